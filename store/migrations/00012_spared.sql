-- +goose Up
CREATE TABLE spared (
    quarter  BIGINT NOT NULL, -- Unix time in quarters of an hour
    client   TEXT   NOT NULL,
    reason   TEXT   NOT NULL,
    earlier  TEXT   NOT NULL, -- the request that cost what these did not
    requests BIGINT NOT NULL,
    PRIMARY KEY (quarter, client, reason, earlier)
);
