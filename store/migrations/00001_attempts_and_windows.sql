-- Instants are Unix milliseconds, money is nano-dollars.

-- +goose Up
CREATE TABLE attempts (
    id            TEXT    NOT NULL PRIMARY KEY, -- sorts by time
    request       TEXT    NOT NULL,
    number        INTEGER NOT NULL,
    client        TEXT    NOT NULL,
    project       TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    size          TEXT    NOT NULL, -- as asked; empty: none named
    state         TEXT    NOT NULL, -- sent, settled, unknown
    owner         TEXT    NOT NULL, -- the process that opened it
    estimate      BIGINT  NOT NULL,
    opened        BIGINT  NOT NULL,
    deadline      BIGINT  NOT NULL,
    sent          BIGINT  NOT NULL DEFAULT 0, -- when the last byte left; 0: it did not
    settled       BIGINT  NOT NULL DEFAULT 0,
    took          BIGINT  NOT NULL DEFAULT 0,
    stage         TEXT    NOT NULL DEFAULT '',
    status        INTEGER NOT NULL DEFAULT 0, -- HTTP; 0: no answer
    verdict       TEXT    NOT NULL DEFAULT '',
    charged       TEXT    NOT NULL DEFAULT '', -- yes, no, or empty for unknown
    bound         TEXT    NOT NULL DEFAULT '', -- the limit that the verdict names
    explanation   TEXT    NOT NULL DEFAULT '',
    cost_low      BIGINT  NOT NULL DEFAULT 0,
    cost_high     BIGINT  NOT NULL DEFAULT 0,
    finish        TEXT    NOT NULL DEFAULT '',
    served        TEXT    NOT NULL DEFAULT '',
    response_id   TEXT    NOT NULL DEFAULT '',
    images        INTEGER NOT NULL DEFAULT 0,
    width         INTEGER NOT NULL DEFAULT 0,
    height        INTEGER NOT NULL DEFAULT 0,
    differs       TEXT    NOT NULL DEFAULT '', -- what of the picture is not as asked
    prompt_tokens BIGINT  NOT NULL DEFAULT 0,
    output_tokens BIGINT  NOT NULL DEFAULT 0,
    image_tokens  BIGINT  NOT NULL DEFAULT 0,
    think_tokens  BIGINT  NOT NULL DEFAULT 0,
    answer_bytes  BIGINT  NOT NULL DEFAULT 0
);
CREATE INDEX attempts_out ON attempts (deadline) WHERE state = 'sent';
CREATE INDEX attempts_of_request ON attempts (request);

CREATE TABLE windows (
    project TEXT NOT NULL,
    model   TEXT NOT NULL, -- empty: the project as a whole
    state   TEXT NOT NULL, -- JSON of pool.State
    PRIMARY KEY (project, model)
);
