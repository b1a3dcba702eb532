package io.github.remoe.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

class BenchFolderTest {

    private static final BenchModel TINY =
            new BenchModel("tiny", "vit_micro_patch4_32", 2, 4, 2, 2, true);

    @TempDir
    private Path folder;

    private Path log;
    private List<String> ours;
    private List<String> told;

    @BeforeEach
    void createWorkers() {
        log = folder.resolve("log.txt");
        ours = FakeWorker.command("ours", log, "1", 1);
        told = new ArrayList<>();
    }

    private Peer peer(String seconds, double logit, String... wrong) {
        return new Peer(FakeWorker.command("theirs", log, seconds, logit, wrong), "");
    }

    private String measure(Peer peer, boolean force, int threads, Row... rows) throws IOException {
        return measure(peer, force, threads, 2, "remoe bench", rows);
    }

    private String measure(
            Peer peer, boolean force, int threads, int rounds, String commandLine, Row... rows)
            throws IOException {
        BenchPlan plan =
                new BenchPlan(List.of(TINY), List.of(rows), rounds, threads, "cpu", null, null, 0);
        return new BenchFolder(folder.resolve("out"))
                .measure(plan, ours, peer, force, commandLine, new BenchListener() {
                    @Override
                    public void onStart(int runs) {
                        told.add("start " + runs);
                    }

                    @Override
                    public void onRow(String row) {
                        told.add(row);
                    }

                    @Override
                    public void onRun() {
                        told.add("run");
                    }
                });
    }

    private JsonObject json() throws IOException {
        return JsonParser.parseString(Files.readString(folder.resolve("out/bench.json")))
                .getAsJsonObject();
    }

    private JsonObject result(int row) throws IOException {
        return json().getAsJsonArray("results").get(row).getAsJsonObject();
    }

    @Test
    void bothSidesWorkInTurnsAfterTheyHaveAgreed() throws IOException {
        ours = FakeWorker.command("ours", log, "90,1,2", 1);
        String table = measure(peer("70,3,3", 1), false, 1, Row.SAT_STEP);

        assertThat(Files.readAllLines(log))
                .containsExactly(
                        "ours load",
                        "ours check",
                        "ours quit",
                        "theirs load",
                        "theirs check",
                        "theirs quit",
                        "ours load",
                        "theirs load",
                        "ours run sat-step false",
                        "theirs run sat-step false",
                        "ours run sat-step false",
                        "theirs run sat-step false",
                        "ours run sat-step false",
                        "theirs run sat-step false",
                        "ours memory",
                        "theirs memory",
                        "ours run matmul false",
                        "theirs quit",
                        "ours quit");
        assertThat(told)
                .containsExactly(
                        "start 6", "tiny sat-step", "run", "run", "run", "run", "run", "run");

        // The first round does not count; ratios of 3 and 1.5.
        JsonArray seconds = result(0).getAsJsonObject("ours").getAsJsonArray("seconds");
        assertThat(seconds.asList().stream().map(second -> second.getAsDouble()))
                .containsExactly(1.0, 2.0);
        assertThat(table)
                .contains("| sat-step, 2 images | 1.50 s | 3.00 s | 2.25 (1.50 to 3.00) |");

        try (Stream<Path> files = Files.list(folder.resolve("out"))) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "bench.json", "bench.md", "bench-tiny.svg", "bench-tiny.png");
        }
        assertThat(folder.resolve("out/bench.md")).hasContent(table);
        assertThat(table).contains("remoe bench", "Ours: fake 1.", "Theirs: fake 1.");
        assertThat(result(0).get("commandLine").getAsString()).isEqualTo("remoe bench");
        assertThat(result(0).get("flopsPerSecond").getAsDouble()).isEqualTo(1e9);
    }

    @Test
    void shortWorkIsRepeatedEquallyOftenOnBothSides() throws IOException {
        // Once Java has compiled it, a pass takes 0.1 s here, and 0.05 s there: 10 passes take half
        // a
        // second on both sides.
        ours = FakeWorker.command("ours", log, "9,1,0.1,0.2", 1);
        String table = measure(peer("9,1,0.05,0.3", 1), false, 1, Row.INFERENCE_1);

        assertThat(result(0).get("repeat").getAsInt()).isEqualTo(10);
        assertThat(table).contains("| 200 ms | 300 ms |", "| 2 x 10 |");
    }

    @Test
    void theOverheadIsMeasuredInOneProcessWithoutThePeer() throws IOException {
        ours = FakeWorker.command("ours", log, "9,9,1.1,1,1.2,1", 1);
        String table = measure(peer("1", 1), false, 1, Row.REMOE_OVERHEAD_STEP);

        assertThat(Files.readAllLines(log))
                .startsWith("ours load plain", "ours load remoe", "ours run sat-step remoe false")
                .contains("ours run sat-step plain false")
                .noneMatch(line -> line.startsWith("theirs"));
        assertThat(table)
                .contains("| 1.00 s | 1.15 s | 15.0 % (10.0 to 20.0) | 2 |"
                        + " at most 5 %: missed by 10.0 points |");
    }

    @Test
    void reMoEStepsHaveRegionLossesOnBothSides() throws IOException {
        measure(peer("1", 1), false, 1, Row.REMOE_SAT_STEP);

        assertThat(Files.readAllLines(log))
                .contains("ours run sat-step true", "theirs run sat-step true");
    }

    @Test
    void startupTakesAProcessForEachTime() throws IOException {
        measure(peer("1", 1), false, 1, Row.STARTUP);

        assertThat(Files.readAllLines(log).stream().skip(6))
                .startsWith(
                        "ours load",
                        "ours check",
                        "ours memory",
                        "ours quit",
                        "theirs load",
                        "theirs check",
                        "theirs memory",
                        "theirs quit",
                        "ours load")
                .hasSize(6 * 4);
        assertThat(result(0).getAsJsonObject("ours").getAsJsonArray("seconds")).hasSize(2);
    }

    @Test
    void goesOnWithTheRowsThatAreMissing() throws IOException {
        measure(Peer.NONE, false, 1, Row.SAT_STEP);
        Files.delete(log);
        String table = measure(Peer.NONE, false, 1, Row.SAT_STEP, Row.PGD_STEP);

        assertThat(Files.readAllLines(log))
                .contains("ours run pgd-step false")
                .noneMatch(line -> line.contains("sat-step"));
        assertThat(table).contains("| sat-step, 2 images", "| pgd-step, 2 images");
        assertThat(told).contains("start 3").last().isEqualTo("run");
    }

    @Test
    void forceMeasuresAgainAndAPeerThatAppearedIsMeasured() throws IOException {
        measure(Peer.NONE, false, 1, Row.SAT_STEP);
        Files.delete(log);
        measure(Peer.NONE, false, 1, Row.SAT_STEP);
        assertThat(Files.readAllLines(log)).containsExactly("ours load", "ours quit");

        measure(Peer.NONE, true, 1, Row.SAT_STEP);
        assertThat(Files.readAllLines(log)).contains("ours run sat-step false");

        measure(peer("1", 1), false, 1, Row.SAT_STEP);
        assertThat(Files.readAllLines(log)).contains("theirs run sat-step false");
        assertThat(json().getAsJsonArray("results")).hasSize(1);
    }

    @Test
    void otherConditionsBelongInAnotherFolder() throws IOException {
        measure(Peer.NONE, false, 1, Row.SAT_STEP);

        assertThatThrownBy(() -> measure(Peer.NONE, false, 2, Row.PGD_STEP))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("threads=1")
                .hasMessageContaining("threads=2")
                .hasMessageEndingWith("Choose another folder.");
    }

    @Test
    void whatIsMeasuredBeforeAnErrorIsKept() throws IOException {
        measure(Peer.NONE, false, 1, Row.SAT_STEP);

        assertThatThrownBy(() -> measure(peer("1", 1, "error"), false, 1, Row.PGD_STEP))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(
                        "The peer could not do {\"do\":\"run\",\"row\":\"pgd-step\"")
                .hasMessageContaining("no such thing")
                .hasMessageEndingWith("the last words");
        assertThat(json().getAsJsonArray("results")).hasSize(1);
        assertThat(folder.resolve("out/work")).doesNotExist();
    }

    @Test
    void nothingIsMeasuredIfTheSidesComputeDifferently() throws IOException {
        assertThatThrownBy(() -> measure(peer("1", 1.001), false, 1, Row.SAT_STEP))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the logits of tiny differ: number 1 is 1.00000 here and"
                        + " 1.00100 there");
        assertThat(Files.readAllLines(log)).noneMatch(line -> line.contains("run"));
    }

    @Test
    void evaluationsTellWhatBothSidesFound() throws IOException {
        String table = measure(peer("1", 1), false, 1, Row.EVALUATION);

        assertThat(table)
                .contains("clean 75.0 % and 75.0 %; robust 50.0 % and 50.0 %")
                .containsPattern(
                        "evaluation, 4 images in batches of 2, epsilon \\d+\\.\\d\\d/255;");
        float epsilon = result(0).get("epsilon").getAsFloat();
        assertThat(epsilon).isBetween(0.01f / 255, 64f / 255);
        // 4 images of 1 + 0.5 * 41 + 0.25 * 3 forward passes.
        double macs = result(0).get("flops").getAsDouble() / 2 / (4 * 22.25);
        assertThat(macs).isCloseTo(Math.rint(macs), within(1e-3)).isGreaterThan(1e6);
    }

    @Test
    void saysWhyThereIsOnlyOneSide() throws IOException {
        Peer missing = Peer.find("no-such-python", folder.resolve("peer"));
        String table = measure(missing, false, 1, Row.SAT_STEP);

        assertThat(table)
                .contains("Only our side was measured in rows without a time of theirs: there is no"
                        + " no-such-python.")
                .contains("| 1.00 s | – | – |");
    }

    @Test
    void rowsOfBothSidesStayWithoutThePeer() throws IOException {
        measure(peer("1", 1), false, 1, Row.SAT_STEP);

        assertThat(measure(Peer.NONE, false, 1, Row.SAT_STEP)).doesNotContain("Only our side");
        assertThat(measure(Peer.NONE, false, 1, Row.SAT_STEP, Row.PGD_STEP))
                .contains("Only our side was measured in rows without a time of theirs.");
    }

    @Test
    void otherLibrariesAndMoreRoundsAreMeasuredAgain() throws IOException {
        measure(peer("1", 1), false, 1, Row.PGD_STEP, Row.SAT_STEP);
        ours.add(1, "-Dversion=2");
        Files.delete(log);
        String table = measure(peer("1", 1), false, 1, 2, "remoe bench again", Row.SAT_STEP);

        assertThat(Files.readAllLines(log)).contains("ours run sat-step false");
        assertThat(table)
                .contains("```\nremoe bench\nremoe bench again\n```")
                .contains(
                        "Ours (tiny pgd-step): fake 1.\n",
                        "Ours (tiny sat-step): fake 2.\n",
                        "Theirs: fake 1.\n");

        measure(peer("1", 1), false, 1, 1, "remoe bench", Row.SAT_STEP);
        assertThat(result(1).getAsJsonObject("ours").getAsJsonArray("seconds")).hasSize(2);
        measure(peer("1", 1), false, 1, 3, "remoe bench", Row.SAT_STEP);
        assertThat(result(1).getAsJsonObject("ours").getAsJsonArray("seconds")).hasSize(3);
    }

    @Test
    void everyRoundOfAutoAttackCounts() throws IOException {
        ours = FakeWorker.command("ours", log, "4,2", 1);
        String table = measure(Peer.NONE, false, 1, 5, "remoe bench", Row.AUTOATTACK);

        assertThat(Files.readAllLines(log))
                .filteredOn(line -> line.contains("autoattack"))
                .hasSize(2);
        assertThat(table).contains("| 3.00 s | – | – |");
        assertThat(told).containsExactly("start 2", "tiny autoattack", "run", "run");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{}", "[]", "{\"settings\":{},\"results\":[{}]}"})
    void otherFilesAreNotOverwritten(String content) throws IOException {
        Files.createDirectories(folder.resolve("out"));
        Files.writeString(folder.resolve("out/bench.json"), content);

        assertThatThrownBy(() -> measure(Peer.NONE, false, 1, Row.SAT_STEP))
                .isInstanceOf(IOException.class)
                .hasMessageEndingWith("is no result of this benchmark: delete it, or choose another"
                        + " folder.");
    }
}
