package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A process that evaluates is killed at ten random moments, and its files compared. */
class KilledEvaluationTest {

    private static final int KILLS = 10;
    private static final int IMAGES = 60;

    @TempDir
    private Path temp;

    @Test
    void aKilledEvaluationEndsAsOneThatRanThrough() throws Exception {
        Path whole = Files.createDirectory(temp.resolve("whole"));
        Path killed = Files.createDirectory(temp.resolve("killed"));
        Evaluation.run(whole, 7, new EvaluationListener() {});
        SplittableRandom random = new SplittableRandom(1);
        int withVerdicts = 0;

        for (int kill = 0; kill < KILLS; kill++) {
            Process process = start(killed, 1 + random.nextInt(4));
            try (BufferedReader out = process.inputReader()) {
                // From the start to amid the second or third batch of this life.
                for (int step = random.nextInt(12); step >= 0; step--) {
                    assertThat(out.readLine()).isNotNull();
                }
                TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
                assertThat(process.isAlive()).isTrue();
                process.destroyForcibly().waitFor();
            }
            Path state = killed.resolve("verdicts.csv");
            if (Files.exists(state)) {
                assertThat(Verdicts.load(state).size()).isLessThan(IMAGES);
                withVerdicts++;
            }
        }
        Evaluation.run(killed, 3, new EvaluationListener() {});

        assertThat(withVerdicts).isGreaterThan(KILLS / 2);
        Map<String, byte[]> expected = files(whole);
        Map<String, byte[]> actual = files(killed);
        assertThat(expected).hasSize(2 + 2 * 2);
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        actual.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(expected.get(name)));
    }

    private static Process start(Path folder, int batchSize) throws IOException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        ProcessBuilder builder = new ProcessBuilder(
                java,
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Evaluation.class.getName(),
                folder.toString(),
                String.valueOf(batchSize));
        return builder.redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    /** All files that must not differ; without the time in the results. */
    private static Map<String, byte[]> files(Path folder) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            // An .npz is an archive that keeps the time it was made.
            for (Path file : all.filter(Files::isRegularFile)
                    .filter(file -> !file.toString().endsWith(".npz"))
                    .toList()) {
                byte[] bytes = Files.readAllBytes(file);
                if (file.endsWith("results.json")) {
                    JsonObject json = JsonParser.parseString(new String(bytes)).getAsJsonObject();
                    assertThat(json.remove("timing")).isNotNull();
                    bytes = json.toString().getBytes();
                }
                files.put(folder.relativize(file).toString(), bytes);
            }
        }
        return files;
    }

    /** What the processes run. */
    static final class Evaluation {

        private Evaluation() {}

        public static void main(String... arguments) throws IOException {
            run(Path.of(arguments[0]), Integer.parseInt(arguments[1]), new EvaluationListener() {
                @Override
                public void onAttack(String attack, float epsilon, int images) {
                    System.out.println(attack);
                }

                @Override
                public void onImagesJudged(int images) {
                    System.out.println(images);
                }
            });
        }

        static void run(Path folder, int batchSize, EvaluationListener listener)
                throws IOException {
            long start = System.nanoTime();
            try (NDManager manager = NDManager.newBaseManager();
                    TargetModel model = new TargetModel(
                            TinyNetworks.golden(manager, DataType.FLOAT32), manager)) {
                ByteDataset dataset = ByteDataset.random(model, manager, IMAGES, 5);
                RobustEvaluator evaluator = RobustEvaluator.builder(model, ThreatModel.linf(0.02f))
                        .addAttack("fgsm", Fgsm::new)
                        .addAttack("pgd", t -> Pgd.builder(t).optSteps(2).build())
                        .optEpsilons(List.of(0.005f, 0.02f))
                        .optModelId("tiny")
                        .optState(folder.resolve("verdicts.csv"))
                        .optAdversarialFolder(folder.resolve("adversarial"))
                        .optListener(listener)
                        .build();
                Verdicts verdicts = evaluator.evaluate("random", dataset, manager, batchSize);
                String json = Results.builder(verdicts)
                        .optClasses(dataset.getClasses())
                        .optEnvironment(manager.getEngine(), manager.getDevice())
                        .optVerdicts("verdicts.csv")
                        .optSeconds((System.nanoTime() - start) / 1e9)
                        .build()
                        .toJson();
                Files.writeString(folder.resolve("results.json"), json);
            }
        }
    }
}
