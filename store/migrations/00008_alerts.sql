-- +goose Up
CREATE TABLE alerts (
    id    TEXT    NOT NULL PRIMARY KEY, -- of a threshold in a period
    body  TEXT    NOT NULL, -- what is to be told
    made  BIGINT  NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due   BIGINT  NOT NULL, -- of the next try
    told  BIGINT  NOT NULL DEFAULT 0 -- 0: not yet
);
