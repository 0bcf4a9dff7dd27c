-- +goose Up
ALTER TABLE keys ADD COLUMN allowance TEXT NOT NULL DEFAULT '{}'; -- JSON of plantain.Allowance
