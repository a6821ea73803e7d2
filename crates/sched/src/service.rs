//! What each tenant has had of the machine: the virtual token counters of "Fairness in Serving Large Language Models"
//! (Sheng et al., OSDI 2024).
//!
//! Whoever had least comes next. A tenant that comes (back) starts with what the least served of those present has had:
//! it is owed nothing for the time of its absence.

use std::collections::BTreeMap;

use crate::Tenant;

/// The counters of the tenants that have work here, and of those that left with more than the least served has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Service {
    present: BTreeMap<Tenant, u64>,
    gone: BTreeMap<Tenant, u64>,
}

impl Service {
    pub(crate) fn enter(&mut self, tenant: Tenant) {
        if self.present.contains_key(&tenant) {
            return;
        }
        let least = self.present.values().min().copied().unwrap_or(0);
        let before = self.gone.remove(&tenant).unwrap_or(0);
        self.gone.retain(|_, had| *had > least);
        self.present.insert(tenant, before.max(least));
    }

    /// The tenant has no work left.
    pub(crate) fn leave(&mut self, tenant: Tenant) {
        if let Some(had) = self.present.remove(&tenant) {
            self.gone.insert(tenant, had);
        }
        if self.present.is_empty() {
            self.gone.clear();
        }
    }

    pub(crate) fn charge(&mut self, tenant: Tenant, rows: usize) {
        *self.present.entry(tenant).or_default() += rows as u64;
    }

    pub(crate) fn of(&self, tenant: Tenant) -> u64 {
        self.present.get(&tenant).copied().unwrap_or(0)
    }

    /// Tenants that have work.
    pub(crate) fn tenants(&self) -> usize {
        self.present.len()
    }
}
