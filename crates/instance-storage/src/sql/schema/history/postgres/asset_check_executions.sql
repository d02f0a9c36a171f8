CREATE TABLE asset_check_executions (
	id BIGSERIAL NOT NULL, 
	asset_key TEXT, 
	check_name TEXT, 
	partition TEXT, 
	run_id VARCHAR(255), 
	execution_status VARCHAR(255), 
	evaluation_event TEXT, 
	evaluation_event_timestamp TIMESTAMP WITHOUT TIME ZONE, 
	evaluation_event_storage_id BIGINT, 
	materialization_event_storage_id BIGINT, 
	create_timestamp TIMESTAMP WITHOUT TIME ZONE DEFAULT CURRENT_TIMESTAMP, 
	PRIMARY KEY (id)
);
