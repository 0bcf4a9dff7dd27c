-- +goose Up
ALTER TABLE images ADD COLUMN ratio    TEXT NOT NULL DEFAULT ''; -- as asked; empty: none named
ALTER TABLE images ADD COLUMN text     TEXT NOT NULL DEFAULT ''; -- that asked for it; empty: none, or not kept
ALTER TABLE images ADD COLUMN identity TEXT NOT NULL DEFAULT ''; -- what a conversation knows it by
ALTER TABLE images ADD COLUMN given    TEXT NOT NULL DEFAULT ''; -- identities of the images that came with the text, by spaces
ALTER TABLE images ADD COLUMN thread   TEXT NOT NULL DEFAULT ''; -- the request that began its conversation
ALTER TABLE images ADD COLUMN parent   TEXT NOT NULL DEFAULT ''; -- the request that its own goes on with; empty: none
ALTER TABLE images ADD COLUMN draft    TEXT NOT NULL DEFAULT ''; -- the size that it is a draft for; empty: it is none
ALTER TABLE images ADD COLUMN final    INTEGER NOT NULL DEFAULT 0; -- 1: its parent at the final size
UPDATE images SET thread = request;
CREATE INDEX images_of_thread ON images (thread);
CREATE INDEX images_by_identity ON images (client, identity);
