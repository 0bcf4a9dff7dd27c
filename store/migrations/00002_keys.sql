-- +goose Up
CREATE TABLE keys (
    hash    TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of the key, in hex; the key itself is nowhere
    client  TEXT    NOT NULL,
    hint    TEXT    NOT NULL,
    admin   INTEGER NOT NULL, -- 0 or 1
    created BIGINT  NOT NULL,
    expires BIGINT  NOT NULL DEFAULT 0, -- 0: never
    revoked BIGINT  NOT NULL DEFAULT 0, -- 0: not; in the future: it ends then
    used    BIGINT  NOT NULL DEFAULT 0  -- last, to the hour; 0: never
);
CREATE INDEX keys_of_client ON keys (client);
