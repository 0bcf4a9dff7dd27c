-- +goose Up
CREATE TABLE images (
    id      TEXT    NOT NULL PRIMARY KEY, -- sorts by time
    request TEXT    NOT NULL,
    attempt TEXT    NOT NULL,
    client  TEXT    NOT NULL,
    project TEXT    NOT NULL,
    model   TEXT    NOT NULL,
    size    TEXT    NOT NULL, -- as asked; empty: none named
    width   INTEGER NOT NULL,
    height  INTEGER NOT NULL,
    mime    TEXT    NOT NULL,
    bytes   BIGINT  NOT NULL,
    digest  TEXT    NOT NULL, -- SHA-256 of the bytes, in hex
    prompt  TEXT    NOT NULL, -- SHA-256 of the text, in hex
    cost_low  BIGINT NOT NULL, -- of the attempt, with all its images
    cost_high BIGINT NOT NULL,
    made    BIGINT  NOT NULL
);
CREATE INDEX images_of_client ON images (client, id);
CREATE INDEX images_of_request ON images (request);
CREATE INDEX images_by_time ON images (made);
