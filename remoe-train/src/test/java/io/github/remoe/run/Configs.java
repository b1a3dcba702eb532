package io.github.remoe.run;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Settings of a run that is over in a second. */
final class Configs {

    /** What a run of {@link #tiny()} is made on. */
    static final RunInfo INFO = new RunInfo(
            IntStream.range(0, 10).mapToObj(i -> "class " + i).toList(),
            "synthetic",
            "checksum",
            8,
            "cpu()",
            Map.of("PyTorch", "2"));

    private Configs() {}

    /** Two epochs of two steps on the micro network. */
    static RunConfig tiny() {
        return RunConfig.defaults()
                .with(Map.of(
                        "remoe",
                        true,
                        "data",
                        "synthetic",
                        "samples",
                        8,
                        "attackSteps",
                        1,
                        "epochs",
                        2,
                        "warmUpEpochs",
                        0,
                        "batchSize",
                        4,
                        "milestones",
                        List.of(1),
                        "seed",
                        7));
    }

    /** The same with one more change. */
    static RunConfig tiny(String name, Object value) {
        return tiny().with(Map.of(name, value));
    }
}
