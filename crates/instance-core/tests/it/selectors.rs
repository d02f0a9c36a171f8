//! The texts of selectors, of which ids are hashes.

use insta::assert_snapshot;
use instance_core::selectors::RepositorySelector;

use crate::support::round_trip;

#[test]
fn selectors() {
    let repository = RepositorySelector::new("defs", "__repository__");
    assert_snapshot!("repository_selector", round_trip(&repository));
    assert_snapshot!("instigator_selector", round_trip(&repository.clone().instigator("nightly")));
    assert_snapshot!(
        "partition_set_selector",
        round_trip(&repository.partition_set("orders_partition_set"))
    );
}
