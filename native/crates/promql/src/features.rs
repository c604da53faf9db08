//! What PromQL has beyond Cortex 1.21's, switched on by name.

use crate::eval::EvalOptions;
use crate::parse::ParseOptions;

/// A set of features; the default is none, which is Cortex's PromQL with its default flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    bits: u8,
}

/// One feature, by the name that Prometheus's `--enable-feature` has for it where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    ExperimentalFunctions,
    DurationExpressions,
    ExtendedRangeSelectors,
    FillModifiers,
    DelayedNameRemoval,
    StartTimestamps,
    TypeAndUnitLabels,
    Newer,
}

const NAMES: [(&str, Feature); 8] = [
    ("promql-experimental-functions", Feature::ExperimentalFunctions),
    ("promql-duration-expr", Feature::DurationExpressions),
    ("promql-extended-range-selectors", Feature::ExtendedRangeSelectors),
    ("promql-binop-fill-modifiers", Feature::FillModifiers),
    ("promql-delayed-name-removal", Feature::DelayedNameRemoval),
    ("use-start-timestamps", Feature::StartTimestamps),
    ("type-and-unit-labels", Feature::TypeAndUnitLabels),
    ("prometheus-3.14", Feature::Newer),
];

/// A name that no feature has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown PromQL feature {0:?}; known are all, {known}", known = known())]
pub struct UnknownFeature(String);

fn known() -> String {
    NAMES.map(|(name, _)| name).join(", ")
}

impl Features {
    /// Every feature.
    #[must_use]
    pub fn all() -> Self {
        NAMES.iter().fold(Self::default(), |features, (_, feature)| features.with(*feature))
    }

    /// Adds the feature of a name; `all` adds every one.
    ///
    /// # Errors
    /// [`UnknownFeature`], whose text lists the names there are.
    pub fn named(self, name: &str) -> Result<Self, UnknownFeature> {
        if name == "all" {
            return Ok(Self::all());
        }
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, feature)| self.with(*feature)).ok_or_else(|| UnknownFeature(name.to_owned()))
    }

    fn with(self, feature: Feature) -> Self {
        Self { bits: self.bits | 1 << feature as u8 }
    }

    fn has(self, feature: Feature) -> bool {
        self.bits & 1 << feature as u8 != 0
    }

    /// The parser's switches, on top of those given. What is off here stays as it is.
    pub fn extend_parser(self, options: &mut ParseOptions) {
        options.experimental_functions |= self.has(Feature::ExperimentalFunctions);
        options.duration_expressions |= self.has(Feature::DurationExpressions);
        options.extended_range_selectors |= self.has(Feature::ExtendedRangeSelectors);
        options.fill_modifiers |= self.has(Feature::FillModifiers);
        // The older grammar knows neither the modifiers nor `start()` in a duration.
        options.newer_syntax |= self.has(Feature::Newer) || self.has(Feature::FillModifiers);
    }

    /// The evaluation's switches, on top of those given.
    pub fn extend_evaluation(self, options: &mut EvalOptions) {
        options.delayed_name_removal |= self.has(Feature::DelayedNameRemoval);
        options.start_timestamps |= self.has(Feature::StartTimestamps);
        options.type_and_unit_labels |= self.has(Feature::TypeAndUnitLabels);
        options.newer_messages |= self.has(Feature::Newer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_cortex() {
        let (mut parser, mut evaluation) = (ParseOptions::default(), EvalOptions::instant(0));
        Features::default().extend_parser(&mut parser);
        Features::default().extend_evaluation(&mut evaluation);
        assert_eq!(parser, ParseOptions::default());
        assert!(!evaluation.delayed_name_removal && !evaluation.newer_messages && !evaluation.start_timestamps);
    }

    #[test]
    fn all_is_everything_but_the_functions_of_another_engine() {
        let mut parser = ParseOptions::default();
        Features::default().named("all").unwrap().extend_parser(&mut parser);
        assert_eq!(ParseOptions { extended_range_functions: true, ..parser }, ParseOptions::everything());
    }

    #[test]
    fn features_are_apart() {
        for (name, feature) in NAMES {
            let features = Features::default().named(name).unwrap();
            assert!(NAMES.iter().all(|(_, other)| features.has(*other) == (feature == *other)), "{name}");
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        let error = Features::default().named("promql-magic").unwrap_err().to_string();
        assert!(error.starts_with("unknown PromQL feature \"promql-magic\"; known are all, promql-exp"), "{error}");
    }
}
