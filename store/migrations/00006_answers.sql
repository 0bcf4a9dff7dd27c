-- +goose Up
CREATE TABLE answers (
    client  TEXT     NOT NULL,
    key     TEXT     NOT NULL, -- SHA-256 of the Idempotency-Key, in hex, or the id of a request without one
    request TEXT     NOT NULL,
    call    TEXT     NOT NULL DEFAULT '', -- SHA-256 of all that must be the same, in hex
    owner   TEXT     NOT NULL DEFAULT '', -- the process that runs the request
    lease   BIGINT   NOT NULL DEFAULT 0,  -- until when it is taken to run
    expires BIGINT   NOT NULL,
    kept    BIGINT   NOT NULL DEFAULT 0,  -- since when the answer is final; 0: it is not
    status  INTEGER  NOT NULL DEFAULT 0,
    head    TEXT     NOT NULL DEFAULT '', -- JSON of the headers
    size    BIGINT   NOT NULL DEFAULT 0,  -- of the body; below 0: it is not kept
    unknown INTEGER  NOT NULL DEFAULT 0,  -- 1: what it was charged is not known
    PRIMARY KEY (client, key)
);
CREATE INDEX answers_of_request ON answers (request);
CREATE INDEX answers_by_expiry ON answers (expires);
