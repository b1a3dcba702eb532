package io.github.remoe.benchmark;

/** What a {@link MeasuredNetwork} can be asked to do, under the names that {@code bench} has. */
enum Work {
    INFERENCE("inference"),
    PGD_STEP("pgd-step"),
    SAT_STEP("sat-step");

    private final String text;

    Work(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return text;
    }
}
