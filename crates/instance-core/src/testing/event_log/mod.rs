//! Cases about the store of events.

pub mod asset_checks;
pub mod asset_partitions;
pub mod assets;
pub mod dynamic_partitions;
pub mod event_records;
pub mod events;
pub mod pools;
pub mod settled;
pub mod stats;
pub mod store;
pub mod watch;

/// Runs every case about a store of events on those that an async function makes; what it returns gives the
/// store by [`AsRef`]. See [`testing`](crate::testing).
#[macro_export]
macro_rules! event_log_storage_tests {
    ($make:expr) => {
        $crate::event_log_storage_tests! { @ __storage_tests, $make }
        $crate::__watch_tests!($make);
    };
    (@ $then:ident, $make:expr) => {
        $crate::$then! { $make, EventLogStorage, event_log:
            events {
                an_entry_is_read_as_it_was_stored
                data_of_an_unknown_class_is_kept
                entries_come_in_the_order_in_which_they_were_stored
                a_large_batch_keeps_its_order
                a_batch_of_several_runs_is_stored_run_by_run
                a_run_without_events_has_an_empty_page
                pages_of_a_log_follow_one_another
                pages_of_a_log_are_bounded_by_bytes
                a_bound_of_bytes_counts_what_is_asked_for
                the_cursor_of_an_empty_page_finds_what_comes_later
                offsets_count_entries
                limits_and_cursors_of_a_log_may_be_of_any_size
                only_events_of_the_asked_types_are_read
                a_list_without_a_type_finds_no_entry
                logs_of_runs_are_told_apart
                events_of_any_time_are_stored
                what_cannot_be_stored_takes_its_batch_with_it
                a_text_that_cannot_be_stored_takes_no_others_with_it
                events_may_be_stored_at_once
                an_entry_may_be_of_any_length
                deleted_events_are_gone
                awkward_texts_of_events_are_kept
            }
            event_records {
                filters_find_the_events_that_match
                a_limit_takes_the_first_events
                times_of_events_are_compared_as_times
                pages_of_asset_events_follow_one_another
                changes_of_statuses_are_found
                a_type_that_changes_no_status_is_refused
                summaries_of_asset_events_are_found
                an_empty_partition_is_none
                assets_and_partitions_of_a_run_are_found
                entries_behind_an_id_are_found
                runs_with_logs_of_their_own_are_listed
                any_number_of_events_may_be_asked_for
                a_list_without_anything_finds_no_event
                awkward_assets_and_partitions_are_told_apart
                a_boundary_of_nanoseconds_is_one_of_microseconds
            }
            stats {
                a_run_without_events_has_no_stats
                stats_of_a_run_count_and_take_the_last_time
                stats_of_a_run_may_be_of_any_time
                a_step_that_runs_succeeds_or_is_skipped
                a_step_that_is_tried_again_has_several_attempts
                spans_are_joined_by_their_name_and_alone_make_no_step
                any_number_of_steps_may_be_asked_for
                a_list_without_a_step_finds_none
            }
            assets {
                an_asset_is_there_from_its_first_event
                a_record_follows_from_the_events
                the_last_event_of_a_batch_counts
                records_come_by_key
                pages_of_asset_keys_follow_one_another
                prefixes_of_asset_keys_are_taken_literally
                a_limit_of_asset_keys_may_be_of_any_size
                last_materializations_are_found
                a_wiped_asset_is_gone_until_its_next_event
                a_wipe_is_of_its_very_microsecond
                the_cached_status_of_an_asset_is_kept
                the_freshness_of_assets_is_found
                awkward_keys_of_assets_are_told_apart
                any_number_of_assets_may_be_asked_for
            }
            asset_partitions {
                materialized_partitions_are_found
                the_last_event_of_each_partition_is_found
                the_last_tags_of_each_partition_are_found
                tags_that_are_not_indexed_are_refused
                open_attempts_are_found
                the_last_planned_materialization_is_found
                updated_data_versions_are_found
                tags_of_events_are_found
                partitions_from_before_a_wipe_do_not_count
                materializations_of_each_partition_are_counted
                wiped_partitions_are_gone_and_others_stay
                a_wipe_of_partitions_repairs_the_record_of_the_asset
                a_wipe_of_partitions_leaves_the_logs_of_runs
                a_wipe_of_partitions_takes_their_checks
                a_wipe_of_nothing_changes_nothing
                awkward_partitions_are_told_apart
                any_number_of_partitions_may_be_asked_for
            }
            asset_checks {
                an_evaluation_ends_what_was_planned
                executions_are_told_apart
                pages_of_executions_follow_one_another
                the_last_execution_of_each_check_is_found
                summaries_of_checks_are_found
                partitions_of_checks_are_found
                an_evaluation_of_two_planned_executions_is_refused
                any_number_of_checks_may_be_asked_for
            }
            dynamic_partitions {
                keys_come_in_the_order_in_which_they_were_added
                a_key_that_is_added_again_stays_where_it_is
                awkward_keys_of_partitions_are_told_apart
                existing_keys_are_found
                a_deleted_key_is_gone
                pages_of_keys_follow_one_another
                the_cursor_of_an_empty_page_of_keys_stays
                a_limit_of_keys_may_be_of_any_size
                any_number_of_keys_may_be_added_and_asked_for
                keys_are_added_all_or_none
                keys_may_be_added_at_once
            }
            pools {
                a_pool_has_the_limit_that_it_was_given
                a_limit_out_of_bounds_is_refused
                a_pool_may_have_the_default
                pools_stand_as_asked_for
                the_limit_of_a_pool_is_taken_away
                slots_are_given_up_to_the_limit
                a_look_at_a_claim_changes_nothing
                a_free_slot_goes_to_the_next_that_waits
                all_slots_of_a_run_are_freed
                runs_that_have_slots_are_found
                a_limit_may_change_while_steps_have_slots
                a_pool_without_slots_gives_none
                slots_claimed_at_once_are_given_once
                awkward_names_of_pools_are_told_apart
                any_number_of_pools_may_be_asked_for
                a_priority_of_any_size_is_kept_or_refused
            }
            settled {
                failures_behind_an_id_are_found
                events_that_are_stored_are_settled
            }
            store {
                a_wipe_of_events_leaves_nothing
                a_closed_store_of_events_has_what_was_stored
            }
        }
    };
}
