-- +goose Up
CREATE TABLE filtered (
    client      TEXT    NOT NULL,
    model       TEXT    NOT NULL,
    digest      TEXT    NOT NULL, -- SHA-256 of the request's body, in hex
    length      BIGINT  NOT NULL, -- of the body
    verdict     TEXT    NOT NULL,
    finish      TEXT    NOT NULL, -- finishReason or blockReason as Google wrote it
    status      INTEGER NOT NULL,
    explanation TEXT    NOT NULL,
    fix         TEXT    NOT NULL,
    request     TEXT    NOT NULL, -- the last one
    times       INTEGER NOT NULL, -- in a row
    cost_low    BIGINT  NOT NULL, -- of all times
    cost_high   BIGINT  NOT NULL,
    last        BIGINT  NOT NULL,
    expires     BIGINT  NOT NULL,
    PRIMARY KEY (client, model, digest)
);
CREATE INDEX filtered_by_expiry ON filtered (expires);
