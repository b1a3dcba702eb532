package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.AdversarialSet;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.run.RunFolder;

import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.jsoup.nodes.Element;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

/** {@code report}: what is drawn is what the network did and what was evaluated. */
class ReportCommandTest {

    private static final int REGIONS = 4;

    @TempDir
    private static Path shared;

    private static Path run;
    private static Document page;
    private static Model model;
    private static PixelDataset dataset;

    @TempDir
    private Path folder;

    @BeforeAll
    static void report() throws IOException {
        run = TinyRun.create(shared);
        Path out = shared.resolve("report");
        assertThat(TinyRun.execute("report", "--run=" + run, "--out=" + out, "--device=cpu"))
                .contains(out.resolve("report.html").toString());
        page = Jsoup.parse(Files.readString(out.resolve("report.html")));
        RunFolder runFolder = new RunFolder(run);
        model = runFolder.loadModel(Device.cpu());
        dataset = Datasets.builder(runFolder.readConfig().data(), Dataset.Usage.TEST, 32)
                .setSampling(1, false)
                .build();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    /** The adversarial image that a figure is to show: that of the attack which it names. */
    private static NDArray attacked(NDManager manager, Element figure, long index)
            throws IOException {
        String attack = figure.select("text").eachText().stream()
                .filter(text -> text.equals("fgsm") || text.equals("pgd-2"))
                .findFirst()
                .orElseThrow();
        AdversarialSet set = AdversarialSet.load(
                run.resolve("adversarial").resolve(AdversarialSet.fileName(attack, 8 / 255f)),
                manager);
        return set.images().get(Arrays.binarySearch(set.indices(), index));
    }

    private static NDArray clean(NDManager manager, long index) throws IOException {
        Batch batch = dataset.getByIndices(manager, index);
        return batch.getData().singletonOrThrow().get(0);
    }

    @Test
    void theDrawnWeightsAreThoseOfTheNetwork() throws IOException {
        List<Element> panels = page.select("figure[id^=run1-regions-]");
        assertThat(panels).hasSizeGreaterThan(5);
        try (NDManager manager = model.getNDManager().newSubManager();
                TargetModel network = new TargetModel(model)) {
            for (Element panel : panels) {
                long index = Long.parseLong(panel.id().substring("run1-regions-".length()));
                NDList clean = network.predict(clean(manager, index).expandDims(0));
                NDList attacked =
                        network.predict(attacked(manager, panel, index).expandDims(0));
                List<String> expected = new ArrayList<>();
                for (int layer = 1; layer < clean.size(); layer++) {
                    for (NDList outputs : List.of(clean, attacked)) {
                        for (float weight : outputs.get(layer).toFloatArray()) {
                            expected.add(String.format(Locale.ROOT, "%.2f", weight));
                        }
                    }
                }
                assertThat(expected).hasSize(2 * 2 * REGIONS);
                assertThat(panel.select("text").eachText().stream()
                                .filter(text -> text.matches("\\d\\.\\d\\d"))
                                .toList())
                        .as(panel.id())
                        .isEqualTo(expected);
            }
        }
    }

    @Test
    void theGallerysPicturesAreTheEvaluatedImages() throws IOException {
        List<Element> sheets = page.select("figure[id^=run1-attacked-]");
        assertThat(sheets).isNotEmpty();
        try (NDManager manager = model.getNDManager().newSubManager()) {
            for (Element sheet : sheets) {
                long index = Long.parseLong(sheet.id().substring("run1-attacked-".length()));
                List<String> pictures = sheet.select("image").eachAttr("href");
                assertThat(pictures).hasSize(3);
                assertThat(pixels(pictures.get(0))).isEqualTo(rounded(clean(manager, index)));
                assertThat(pixels(pictures.get(2)))
                        .isEqualTo(rounded(attacked(manager, sheet, index)));
            }
        }
    }

    /** Planes R, G and B of a picture in a page. */
    private static int[] pixels(String dataUri) throws IOException {
        byte[] png = Base64.getDecoder().decode(dataUri.substring(dataUri.indexOf(',') + 1));
        BufferedImage picture = ImageIO.read(new ByteArrayInputStream(png));
        int size = picture.getWidth() * picture.getHeight();
        int[] planes = new int[3 * size];
        for (int i = 0; i < size; i++) {
            int rgb = picture.getRGB(i % picture.getWidth(), i / picture.getWidth());
            for (int band = 0; band < 3; band++) {
                planes[band * size + i] = rgb >> 8 * (2 - band) & 0xFF;
            }
        }
        return planes;
    }

    private static int[] rounded(NDArray image) {
        float[] values = image.toFloatArray();
        int[] levels = new int[values.length];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = Math.round(255 * values[i]);
        }
        return levels;
    }

    @Test
    void fragileImagesAreBrokenAndStableOnesAreNot() throws IOException {
        Verdicts verdicts = Verdicts.load(run.resolve("verdicts.csv"));
        Element gallery = page.selectFirst("#run1-gallery").parent();
        List<Element> groups = gallery.select(".figures");
        for (Element figure : gallery.select("figure")) {
            long index = Long.parseLong(figure.id().substring("run1-attacked-".length()));
            Verdict verdict = verdicts.all().stream()
                    .filter(candidate -> candidate.index() == index)
                    .findFirst()
                    .orElseThrow();
            boolean fragile = figure.parent() == groups.get(0)
                    && gallery.text().indexOf("No attack broke any") < 0;
            assertThat(verdict.isCleanCorrect()).isTrue();
            assertThat(verdict.isBrokenByAny(1)).as(figure.id()).isEqualTo(fragile);
        }
    }

    @Test
    void afterAWorstCaseEvaluationTheImagesOfEarlierAttacksAreShownToo() throws IOException {
        Path copy = copy();
        delete(copy.resolve("adversarial"));
        TinyRun.execute(
                "evaluate",
                "--run=" + copy,
                "--samples=0",
                "--attack=fgsm,pgd-2",
                "--epsilon=64/255",
                "--worst-case",
                "--save-adversarial",
                "--device=cpu");
        Verdicts verdicts = Verdicts.load(copy.resolve("verdicts.csv"));
        List<Long> broken = verdicts.all().stream()
                .filter(verdict -> verdict.isCleanCorrect() && verdict.isBroken(0, 0))
                .map(Verdict::index)
                .toList();
        assertThat(broken).isNotEmpty();

        List<String> shown = report(copy).select("figure[id^=run1-attacked-]").eachAttr("id");

        assertThat(shown)
                .anyMatch(id ->
                        broken.contains(Long.valueOf(id.substring("run1-attacked-".length()))));
    }

    @Test
    void withoutAdversarialImagesTheCleanOnesAreShown() throws IOException {
        Path copy = copy();
        delete(copy.resolve("adversarial"));

        Document without = report(copy);

        assertThat(without.select("figure[id^=run1-regions-]")).isNotEmpty();
        assertThat(without.select("figure[id^=run1-attacked-]")).isEmpty();
        assertThat(without.select(".missing").eachText())
                .anyMatch(text -> text.contains("--save-adversarial"));
    }

    @Test
    void adversarialImagesOfAnotherEvaluationAreNotShown() throws IOException {
        Path copy = copy();
        TinyRun.execute(
                "evaluate", "--run=" + copy, "--attack=fgsm", "--samples=6", "--device=cpu");

        Document other = report(copy);

        assertThat(other.select("figure[id^=run1-attacked-]")).isEmpty();
        assertThat(other.select(".missing").eachText())
                .anyMatch(text -> text.contains("another evaluation"));
    }

    @Test
    void weightsThatWereNotEvaluatedAreNotShown() throws IOException {
        Path copy = copy();
        try (Stream<Path> files = Files.list(copy)) {
            for (Path file : files.filter(f -> f.toString().endsWith(".params")).toList()) {
                Files.delete(file);
            }
        }

        assertThat(report(copy).select(".missing").eachText())
                .anyMatch(text -> text.contains("does not hold the weights that were evaluated"));
    }

    private Document report(Path copy) throws IOException {
        Path out = folder.resolve("report");
        TinyRun.execute("report", "--run=" + copy, "--out=" + out, "--device=cpu");
        return Jsoup.parse(Files.readString(out.resolve("report.html")));
    }

    private Path copy() throws IOException {
        Path copy = folder.resolve("copy");
        try (Stream<Path> files = Files.walk(run)) {
            for (Path file : files.toList()) {
                Files.copy(
                        file,
                        copy.resolve(run.relativize(file).toString()),
                        StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return copy;
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }
}
