//! Choices that are the same on every run.

/// Knuth's linear congruential generator.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// True one time in three.
    pub fn some(&mut self) -> bool {
        self.below(3) == 0
    }
}
