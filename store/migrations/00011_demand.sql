-- +goose Up
ALTER TABLE attempts ADD COLUMN waited BIGINT NOT NULL DEFAULT 0; -- before it was sent, since its request came or the last attempt ended

CREATE TABLE turned_away (
    minute   BIGINT NOT NULL, -- Unix time in minutes
    model    TEXT   NOT NULL,
    requests BIGINT NOT NULL, -- for which there was no room in time, so that nothing of them was sent
    PRIMARY KEY (minute, model)
);
