//! The scheduling domain over stores in memory.

mod instigators;
