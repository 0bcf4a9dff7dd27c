-- +goose Up
ALTER TABLE attempts ADD COLUMN draft    TEXT   NOT NULL DEFAULT ''; -- the size that its image is a draft for; empty: it is none
ALTER TABLE attempts ADD COLUMN spares   BIGINT NOT NULL DEFAULT 0;  -- how much less its image costs than one of that size
ALTER TABLE attempts ADD COLUMN final_of TEXT   NOT NULL DEFAULT ''; -- the request whose image it makes at the final size
CREATE INDEX attempts_of_finals ON attempts (final_of) WHERE final_of <> '';
ALTER TABLE images ADD COLUMN healed TEXT NOT NULL DEFAULT ''; -- how its request was healed; empty: it was sent as it came
