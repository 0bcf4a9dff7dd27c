-- +goose Up
CREATE INDEX attempts_of_client ON attempts (client, request);
