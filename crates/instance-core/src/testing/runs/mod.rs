//! Cases about the store of runs.

pub mod backfills;
pub mod daemons;
pub mod run_changes;
pub mod run_filters;
pub mod run_tags;
#[expect(clippy::module_inception, reason = "it mirrors the traits")]
pub mod runs;
pub mod snapshots;
pub mod store;

/// Runs every case about a store of runs on those that an async function makes; what it returns gives the
/// store by [`AsRef`]. See [`testing`](crate::testing).
#[macro_export]
macro_rules! run_storage_tests {
    ($make:expr) => {
        $crate::run_storage_tests! { @ __storage_tests, $make }
    };
    (@ $then:ident, $make:expr) => {
        $crate::$then! { $make, RunStorage, runs:
            runs {
                a_run_is_read_as_it_was_stored
                fields_of_a_newer_version_of_a_run_are_kept
                a_second_run_of_the_same_id_is_refused_and_changes_nothing
                of_equal_runs_added_at_once_one_is_stored
                runs_added_at_once_are_all_stored
                a_run_of_a_missing_snapshot_is_refused_and_writes_nothing
                a_run_may_have_any_number_of_tags
                a_run_may_be_of_any_length
                awkward_ids_of_runs_are_told_apart
                a_run_may_hold_the_last_of_all_characters
                a_run_with_a_text_that_cannot_be_stored_is_stored_whole_or_not_at_all
                times_of_creation_are_kept_to_the_microsecond
                parts_of_a_microsecond_are_cut_off
                the_first_run_and_its_re_executions_are_a_group
                a_group_whose_first_run_is_missing_is_an_error
                the_newest_run_of_each_partition_is_found
                a_deleted_run_is_gone_with_its_tags
            }
            run_filters {
                filters_find_the_runs_that_match
                filters_hold_together
                a_prefix_of_an_id_is_taken_literally
                values_of_tags_are_compared_as_they_are
                a_tag_with_none_of_several_values_matches_nothing
                an_empty_value_of_a_tag_is_a_value
                an_empty_name_of_a_job_is_a_name
                runs_of_backfills_are_left_out
                times_of_creation_are_compared_as_times
                times_of_change_are_compared_as_times
                pages_of_runs_follow_one_another
                a_page_of_runs_begins_behind_a_run_that_does_not_match
                a_page_of_runs_behind_an_unknown_run_is_empty
                a_limit_of_runs_may_be_of_any_size
                runs_are_ordered_by_their_times
                runs_that_have_no_time_are_not_lost
                any_number_of_ids_may_be_asked_for
                a_list_without_anything_finds_no_run
                any_number_of_values_of_a_tag_may_be_asked_for
            }
            run_changes {
                each_type_of_event_changes_what_it_should
                a_whole_life_keeps_its_start_and_end
                a_run_without_a_place_of_its_job_is_not_queued
                the_reason_of_a_failure_is_a_tag
                an_event_of_an_unknown_run_or_type_does_nothing
                events_of_a_run_may_be_handled_at_once
                times_of_events_are_kept_to_the_microsecond
                another_origin_brings_its_own_tag
                times_of_runs_are_replaced
            }
            run_tags {
                tags_are_found_by_key_and_prefix
                no_keys_mean_no_tags
                keys_and_values_of_tags_are_told_apart
                a_limit_counts_pairs_of_key_and_value
                the_keys_of_all_tags_are_ascending
                tags_are_added_and_replaced
                tags_of_an_unknown_run_are_refused
                a_tag_of_a_partition_counts
                tags_may_be_added_at_once
                tags_that_cannot_be_stored_are_stored_whole_or_not_at_all
                any_number_of_keys_of_tags_may_be_asked_for
            }
            snapshots {
                snapshots_are_stored_once_under_the_hash_of_their_text
                the_two_kinds_of_snapshots_are_apart
                a_run_may_name_a_stored_snapshot
                a_snapshot_may_be_of_any_length
            }
            backfills {
                a_backfill_is_read_as_it_was_stored
                a_second_backfill_of_the_same_id_is_refused_and_changes_nothing
                a_changed_backfill_takes_the_place_of_the_stored_one
                a_change_of_an_unknown_backfill_is_refused
                filters_find_the_backfills_that_match
                times_of_backfills_are_compared_as_times
                pages_of_backfills_follow_one_another
                a_page_behind_an_unknown_backfill_is_empty
                any_number_of_backfills_may_be_asked_for
                a_list_without_anything_finds_no_backfill
                a_backfill_may_have_any_number_of_tags
                a_backfill_that_cannot_be_stored_is_stored_whole_or_not_at_all
            }
            daemons {
                the_last_sign_of_life_of_each_kind_is_kept
                signs_of_life_of_any_time_are_kept
                signs_of_life_are_wiped
                values_of_cursors_are_replaced
                awkward_keys_of_cursors_are_told_apart
                any_number_of_cursors_may_be_stored_and_asked_for
                cursors_are_stored_all_or_none
                a_value_of_a_cursor_is_changed_by_who_knows_it
                of_changes_of_a_cursor_at_once_one_is_made
                cursors_are_found_by_the_beginning_of_their_keys
                cursors_behind_a_fence_are_stored_by_the_leader_alone
            }
            store {
                a_store_of_runs_keeps_its_id
                a_wipe_of_runs_leaves_cursors_and_the_id
            }
        }
    };
}
