package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** A process that trains is killed at random moments and gone on with by others. */
class KilledTrainingTest {

    private static final int KILLS = 4;

    private static final RunConfig CONFIG = Configs.tiny()
            .with(Map.of("epochs", 20, "checkpointSteps", 1, "average", "EMA", "validation", 8));

    @TempDir
    private Path temp;

    @Test
    void aKilledRunEndsAsOneThatRanThrough() throws Exception {
        Path killed = temp.resolve("killed");
        SplittableRandom random = new SplittableRandom(3);
        long furthest = 0;
        for (int kill = 0; kill < KILLS; kill++) {
            Process process = start(killed);
            try (BufferedReader out = process.inputReader()) {
                for (int step = random.nextInt(6); step >= 0; step--) {
                    assertThat(out.readLine()).isNotNull();
                }
                TimeUnit.MICROSECONDS.sleep(random.nextInt(100_000));
                assertThat(process.isAlive()).isTrue();
                process.destroyForcibly().waitFor();
            }
            furthest = new Checkpoint(killed.resolve("checkpoint.safetensors"))
                    .readProgress()
                    .step();
        }
        assertThat(furthest).isBetween((long) KILLS, 39L);
        Training.run(killed);
        Path whole = temp.resolve("whole");
        Training.run(whole);

        for (String file :
                new String[] {"checkpoint.safetensors", "last-0020.params", "average-0020.params"
                }) {
            assertThat(killed.resolve(file)).hasSameBinaryContentAs(whole.resolve(file));
        }
    }

    private static Process start(Path folder) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return new ProcessBuilder(
                        java,
                        "-XX:TieredStopAtLevel=1",
                        // As in the process that tests: other threads would round otherwise.
                        "-Dai.djl.pytorch.num_threads=1",
                        "-Dai.djl.pytorch.num_interop_threads=1",
                        "-Dai.djl.offline=true",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Training.class.getName(),
                        folder.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** What the processes run. */
    static final class Training {

        private Training() {}

        public static void main(String... arguments) throws Exception {
            run(Path.of(arguments[0]));
        }

        static void run(Path path) throws Exception {
            RunFolder folder = new RunFolder(path);
            TrainingRun run = folder.exists()
                    ? TrainingRun.resume(folder, Device.cpu())
                    : new TrainingRun(CONFIG, folder, Device.cpu());
            run.train(new TrainingListenerAdapter() {
                        @Override
                        public void onTrainingBatch(Trainer trainer, BatchData data) {
                            System.out.println("step");
                        }
                    })
                    .close();
        }
    }
}
