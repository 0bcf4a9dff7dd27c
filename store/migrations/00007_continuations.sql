-- +goose Up
ALTER TABLE attempts ADD COLUMN continues    TEXT NOT NULL DEFAULT ''; -- the token that the request carried, by its hash
ALTER TABLE attempts ADD COLUMN continuation TEXT NOT NULL DEFAULT ''; -- the token of the answer, by its hash
CREATE INDEX attempts_by_continuation ON attempts (continuation) WHERE continuation <> '';
