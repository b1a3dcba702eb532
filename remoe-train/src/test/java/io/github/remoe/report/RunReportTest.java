package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.offset;

import ai.djl.Device;
import ai.djl.engine.Engine;

import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.EvaluationSettings;
import io.github.remoe.evaluate.EvaluationSettings.NamedAttack;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunInfo;

import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

class RunReportTest {

    private static final String HOSTILE = "<img src=x onerror=\"document.title='broken'\">";

    @TempDir
    private Path folder;

    /** An evaluation of random predictions, as evaluate --out leaves it. */
    private Path evaluation(String name, int images, List<String> classes) throws IOException {
        return evaluation(name, images, classes, Norm.LINF, "Pgd[steps=20, stepSize=0.01]");
    }

    private Path evaluation(
            String name, int images, List<String> classes, Norm norm, String settingsOfPgd20)
            throws IOException {
        List<Float> epsilons = List.of(4 / 255f, 8 / 255f);
        List<NamedAttack> attacks = List.of(
                new NamedAttack("fgsm", List.of("Fgsm[]", "Fgsm[]")),
                new NamedAttack("pgd-10", List.of("Pgd[]", "Pgd[]")),
                new NamedAttack("pgd-20", List.of(settingsOfPgd20, settingsOfPgd20)));
        EvaluationSettings settings = new EvaluationSettings(
                "model " + name, "cifar10", "data", norm, 0, 1, epsilons, attacks, false, 7);
        Random random = new Random(name.hashCode());
        List<Verdict> verdicts = new ArrayList<>();
        for (long i = 0; i < images; i++) {
            int label = random.nextInt(classes.size());
            int clean = random.nextInt(3) > 0 ? label : random.nextInt(classes.size());
            List<List<Integer>> predictions = attacks.stream()
                    .map(attack -> {
                        int weak = clean == label && random.nextInt(3) == 0
                                ? random.nextInt(classes.size())
                                : clean;
                        int strong = weak == label && random.nextInt(3) == 0
                                ? random.nextInt(classes.size())
                                : weak;
                        return List.of(weak, strong);
                    })
                    .toList();
            verdicts.add(new Verdict(i, label, clean, predictions));
        }
        Path path = Files.createDirectories(folder.resolve(name));
        Verdicts all = new Verdicts(settings, verdicts);
        all.save(path.resolve("verdicts.csv"));
        new RunFolder(path)
                .writeResults(Results.builder(all)
                        .optModel("deit_tiny_patch4_32", true, 5_630_000, 370_000_000L, 40)
                        .optClasses(classes)
                        .optEnvironment(Engine.getInstance(), Device.cpu())
                        .optVerdicts("verdicts.csv")
                        .build());
        return path;
    }

    private static List<String> classes(int number) {
        return IntStream.range(0, number).mapToObj(i -> "class " + i).toList();
    }

    private static Document page(Path... runs) throws IOException {
        RunReport.Builder report = RunReport.builder();
        for (Path run : runs) {
            report.addRun(run);
        }
        return Jsoup.parse(report.build().toHtml());
    }

    @Test
    void everyFigureIsWrittenAsSvgAndPng() throws IOException {
        Path run = evaluation("run", 50, classes(3));

        Path file = RunReport.builder().addRun(run).build().write(folder.resolve("report"));

        Document page = Jsoup.parse(Files.readString(file));
        assertThat(page.select("figure")).hasSizeGreaterThan(4);
        for (Element figure : page.select("figure")) {
            assertThat(folder.resolve("report/figures/" + figure.id() + ".svg")).isNotEmptyFile();
            assertThat(folder.resolve("report/figures/" + figure.id() + ".png")).isNotEmptyFile();
        }
    }

    @Test
    void cellsHaveTheFiguresOfTheResults() throws IOException {
        Path run = evaluation("run", 50, classes(3));
        Results results = new RunFolder(run).readResults();

        Document page = page(run);

        for (Results.RobustAccuracy robust : results.robust()) {
            Element cell = page.selectFirst(String.format(
                    "#accuracies td[data-attack=%s][data-epsilon=%s]",
                    robust.attack(), robust.epsilon()));
            assertThat(cell.attr("data-value"))
                    .isEqualTo(String.valueOf(robust.accuracy().value()));
            assertThat(cell.ownText())
                    .startsWith(Math.round(100 * robust.accuracy().value()) + "")
                    .endsWith("%");
        }
    }

    @Test
    void differencesAreTakenImageByImage() throws IOException {
        Path first = evaluation("first", 200, classes(3));
        Path second = Files.createDirectory(folder.resolve("second"));
        Results results = new RunFolder(first).readResults();
        Verdicts verdicts = Verdicts.load(first.resolve("verdicts.csv"));
        // The same images, of which the second run is right about all.
        Verdicts right = new Verdicts(
                verdicts.settings(),
                verdicts.all().stream()
                        .map(verdict -> new Verdict(
                                verdict.index(),
                                verdict.label(),
                                verdict.label(),
                                Collections.nCopies(3, List.of(verdict.label(), verdict.label()))))
                        .toList());
        right.save(second.resolve("verdicts.csv"));
        new RunFolder(second).writeResults(results.ofWhole(right).build());

        Element table = page(first, second).selectFirst("#differences");

        assertThat(Double.parseDouble(
                        table.selectFirst("tbody tr td[data-value~=[1-9]]").attr("data-value")))
                .isCloseTo(1 - results.clean().value(), offset(1e-9));
    }

    @Test
    void otherImagesAreNotCompared() throws IOException {
        Document page =
                page(evaluation("first", 200, classes(3)), evaluation("second", 100, classes(3)));

        assertThat(page.select("#differences")).isEmpty();
        assertThat(page.select(".missing").eachText())
                .anyMatch(text -> text.contains("on other images"));
    }

    @Test
    void attacksOfOtherSettingsAreOtherRows() throws IOException {
        Path first = evaluation("first", 50, classes(3));
        Path second =
                evaluation("second", 50, classes(3), Norm.LINF, "Pgd[steps=20, stepSize=0.001]");

        Document page = page(first, second);

        assertThat(page.select("#accuracies tbody th").eachText())
                .containsExactly(
                        "clean",
                        "fgsm",
                        "fgsm",
                        "pgd-10",
                        "pgd-10",
                        "pgd-20 stepSize=0.01",
                        "pgd-20 stepSize=0.001",
                        "pgd-20 stepSize=0.01",
                        "pgd-20 stepSize=0.001",
                        "worst case stepSize=0.01",
                        "worst case stepSize=0.001",
                        "worst case stepSize=0.01",
                        "worst case stepSize=0.001");
    }

    @Test
    void runsUnderOtherNormsHaveRowsOfTheirOwn() throws IOException {
        Path first = evaluation("first", 50, classes(3));
        Path second = evaluation("second", 50, classes(3), Norm.L2, "Pgd[steps=20, stepSize=0.01]");

        Document page = page(first, second);

        assertThat(page.select("#accuracies tbody tr")).hasSize(1 + 2 * (3 * 2 + 2));
        assertThat(page.select("#accuracies td").eachText())
                .contains("8/255 linf", "0.03137255 l2");
        assertThat(page.select("#worst-case-linf, #worst-case-l2")).isEmpty();
    }

    @Test
    void anAutoAttackIsToldMemberByMember() throws IOException {
        EvaluationSettings settings = new EvaluationSettings(
                "model",
                "cifar10",
                "data",
                Norm.LINF,
                0,
                1,
                List.of(8 / 255f),
                List.of(new NamedAttack(
                        "autoattack", List.of("AutoAttack[]"), List.of("apgd-ce", "square"))),
                false,
                7);
        Verdicts verdicts = new Verdicts(
                settings,
                List.of(
                        new Verdict(0, 0, 0, List.of(List.of(0)), List.of(List.of(""))),
                        new Verdict(1, 0, 0, List.of(List.of(1)), List.of(List.of("square"))),
                        new Verdict(2, 1, 1, List.of(List.of(0)), List.of(List.of("apgd-ce"))),
                        new Verdict(3, 1, 0, List.of(List.of(0)), List.of(List.of("")))));
        Path run = Files.createDirectory(folder.resolve("run"));
        verdicts.save(run.resolve("verdicts.csv"));
        new RunFolder(run)
                .writeResults(Results.builder(verdicts)
                        .optModel("deit", false, 1, 1L, 1)
                        .optClasses(classes(2))
                        .optEnvironment(Engine.getInstance(), Device.cpu())
                        .optVerdicts("verdicts.csv")
                        .build());

        Document page = page(run);

        assertThat(page.select("#run1-members tbody tr td[data-value]").eachAttr("data-value"))
                .containsExactly("0.5", "0.25");
        assertThat(page.select("#run1-members tbody tr").eachText())
                .first()
                .asString()
                .startsWith("autoattack apgd-ce 8/255 50.0");
    }

    @Test
    void severalRunsHaveACurveEach() throws IOException {
        Document page =
                page(evaluation("first", 50, classes(3)), evaluation("second", 50, classes(3)));

        assertThat(page.select("#worst-case-linf text").eachText()).contains("first", "second");
    }

    @Test
    void namesOfClassesAndRunsAreTextWhateverTheyAre() throws IOException {
        Path run =
                evaluation("run<b>&\"'", 50, List.of(HOSTILE, "</script><script>alert(1)", "]]>"));

        Document page = page(run);

        assertThat(page.select("[onerror]")).isEmpty();
        assertThat(page.select("script")).hasSize(1);
        assertThat(page.select("b")).isEmpty();
        assertThat(page.select("#run1-class-table tbody th").eachText()).contains(HOSTILE);
        assertThat(page.selectFirst("h2#run1").text()).isEqualTo("run<b>&\"'");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 10, 1000})
    void anyNumberOfClassesIsDrawn(int classes) throws IOException {
        Document page = page(evaluation("run", 2000, classes(classes)));

        assertThat(page.select("#run1-confusion-clean svg")).hasSize(1);
        assertThat(page.select("#run1-class-table tbody tr"))
                .hasSizeBetween(Math.min(classes, 800), classes);
    }

    @Test
    void tenThousandImagesAndFiveRunsAreASmallPageSoon() throws IOException {
        Path[] runs = new Path[5];
        for (int i = 0; i < runs.length; i++) {
            runs[i] = evaluation("run" + i, 10_000, classes(10));
        }
        long start = System.nanoTime();
        RunReport.Builder report = RunReport.builder();
        for (Path run : runs) {
            report.addRun(run);
        }

        Path page = report.build().write(folder.resolve("report"));

        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMinutes(1));
        assertThat(Files.size(page)).isLessThan(10_000_000);
    }

    @Test
    void aFolderOfAnEvaluationSaysWhatItLacks() throws IOException {
        assertThat(page(evaluation("run", 20, classes(3))).select(".missing").eachText())
                .anyMatch(text -> text.contains("nothing is known of a training"))
                .anyMatch(text -> text.contains("holds no network"))
                .anyMatch(text -> text.contains("masking --run"));
    }

    @Test
    void aRunThatHasJustBegunSaysWhatItLacks() throws IOException {
        Path run = folder.resolve("new");
        new RunFolder(run)
                .create(
                        RunConfig.defaults().with(Map.of("data", "synthetic", "remoe", true)),
                        new RunInfo(classes(10), "synthetic", "checksum", 8, "cpu()", Map.of()));

        Document page = page(run);

        assertThat(page.select(".missing").eachText())
                .anyMatch(text -> text.contains("No run is evaluated"))
                .anyMatch(text -> text.contains("no training log"))
                .anyMatch(text -> text.contains("evaluate --run"));
        assertThat(page.select("#run1-config tbody tr")).hasSizeGreaterThan(30);
    }

    @Test
    void whatCannotBeReadIsSaidAndTheRestIsShown() throws IOException {
        Path run = evaluation("run", 20, classes(3));
        Files.writeString(run.resolve("verdicts.csv"), "cut");
        Files.writeString(run.resolve("epochs.csv"), "step,epoch,loss/total\n1,1,x\n");

        Document page = page(run);

        assertThat(page.select(".missing").eachText())
                .anyMatch(text -> text.contains("verdicts.csv"))
                .anyMatch(text -> text.contains("epochs.csv"));
        assertThat(page.select("#accuracies td[data-run]")).hasSize(1 + 3 * 2 + 2);
    }

    @Test
    void whatCannotBeReadIsNotSaidToBeAbsent() throws IOException {
        Path run = evaluation("run", 20, classes(3));
        Files.writeString(run.resolve("results.json"), "{\"schemaVersion\": 1, ");

        Document page = page(run);

        assertThat(page.selectFirst("#run1").parent().select(".missing").text())
                .contains("results.json cannot be read.", "evaluate again");
        assertThat(page.selectFirst("#run1-robustness").parent().text())
                .contains("results.json cannot be read, for the reason above");
        assertThat(page.text()).doesNotContain("There is no evaluation", "not evaluated so far");
    }

    @Test
    void oneEpochIsDrawn() throws IOException {
        Path run = folder.resolve("new");
        new RunFolder(run)
                .create(
                        RunConfig.defaults().with(Map.of("data", "synthetic")),
                        new RunInfo(classes(10), "synthetic", "checksum", 8, "cpu()", Map.of()));
        Files.writeString(
                run.resolve("epochs.csv"),
                "step,epoch,loss/total,accuracy/clean,optimizer/learningRate\n9,1,2.3,0.5,0.1\n");

        assertThat(page(run).select("#run1-loss, #run1-accuracy, #run1-rate")).hasSize(3);
    }

    @Test
    void foldersWithoutARunAreNamed() {
        assertThatIOException()
                .isThrownBy(() -> page(folder))
                .withMessageContaining(folder.toString())
                .withMessageContaining("results.json");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RunReport.builder().build())
                .withMessageContaining("addRun");
    }

    @Test
    void runsAreToldApartByAsLittleOfTheirPathsAsItTakes() {
        assertThat(RunReport.names(List.of(Path.of("a/sat"), Path.of("b/remoe"))))
                .containsExactly("sat", "remoe");
        assertThat(RunReport.names(List.of(Path.of("a/sat/seed-0"), Path.of("a/remoe/seed-0"))))
                .containsExactly(
                        Path.of("sat/seed-0").toString(),
                        Path.of("remoe/seed-0").toString());
        assertThat(RunReport.names(List.of(Path.of("a"), Path.of("a")))).doesNotHaveDuplicates();
    }
}
