CREATE TABLE backfill_tags (
	id BIGSERIAL NOT NULL, 
	backfill_id VARCHAR(255), 
	key TEXT, 
	value TEXT, 
	PRIMARY KEY (id)
);
