-- +goose Up
CREATE INDEX attempts_by_time ON attempts (opened);
