//! Cases about the store of schedules and sensors.

pub mod automation;
pub mod instigators;
pub mod store;
pub mod ticks;

/// Runs every case about a store of schedules on those that an async function makes; what it returns gives
/// the store by [`AsRef`]. See [`testing`](crate::testing).
#[macro_export]
macro_rules! schedule_storage_tests {
    ($make:expr) => {
        $crate::schedule_storage_tests! { @ __storage_tests, $make }
    };
    (@ $then:ident, $make:expr) => {
        $crate::$then! { $make, ScheduleStorage, schedules:
            instigators {
                a_state_is_read_as_it_was_stored
                a_second_state_of_an_origin_is_refused_and_changes_nothing
                a_state_survives_a_move_of_its_code
                a_changed_state_takes_the_place_of_the_stored_one
                a_change_of_an_unknown_state_is_refused
                filters_find_the_states_that_match
                a_list_without_a_status_finds_no_state
                a_deleted_state_is_gone
                a_state_stays_while_another_origin_has_it
                awkward_names_of_schedules_are_told_apart
            }
            ticks {
                a_tick_is_read_as_it_was_stored
                a_changed_tick_takes_the_place_of_the_stored_one
                a_change_of_an_unknown_tick_does_nothing
                ticks_are_found_by_their_ids
                ticks_come_newest_first
                ticks_are_filtered_by_time_and_status
                times_of_ticks_are_compared_as_times
                ticks_of_old_versions_are_found_by_their_origin
                summaries_say_what_the_ticks_say
                the_newest_ticks_of_each_selector_are_found
                ticks_are_purged_by_time_and_status
                a_purge_takes_no_ticks_of_others
                a_list_without_a_status_finds_no_tick
                a_tick_of_no_time_is_refused
                a_limit_of_ticks_may_be_of_any_size
                any_number_of_ticks_may_be_asked_for
                a_tick_may_be_of_any_length
            }
            automation {
                evaluations_are_read_as_they_were_stored
                a_second_result_of_an_evaluation_takes_the_place_of_the_first
                evaluations_of_a_key_come_newest_first
                keys_of_evaluations_are_told_apart
                ids_of_evaluations_may_be_of_any_size
                evaluations_are_purged_by_time
                evaluations_are_stored_all_or_none
                any_number_of_evaluations_may_be_stored
            }
            store {
                a_wipe_of_schedules_leaves_nothing
            }
        }
    };
}
