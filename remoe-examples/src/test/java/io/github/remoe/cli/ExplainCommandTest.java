package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Parameter;
import ai.djl.training.initializer.NormalInitializer;

import io.github.remoe.ReMoE;
import io.github.remoe.inference.ModelFolder;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

class ExplainCommandTest {

    /** A number in a region of the drawing. */
    private static final Pattern DRAWN =
            Pattern.compile("<text[^>]*font-size=\"11\"[^>]*>([\\d.]+)<");

    private static final Pattern PRINTED = Pattern.compile(" (\\d+\\.\\d\\d)(?= |$)");

    @TempDir
    private static Path models;

    @TempDir
    private Path folder;

    private StringWriter out;
    private StringWriter err;

    @BeforeAll
    static void saveNetworksAndPictures() throws IOException {
        save("remoe", true);
        save("cropped", true);
        Files.writeString(
                models.resolve("cropped/serving.properties"),
                "cropRatio=0.5\n",
                StandardOpenOption.APPEND);
        save("plain", false);
        picture("photo.png", 60, 50);
        picture("other/photo.png", 32, 32);
        Files.writeString(models.resolve("text.png"), "no picture");
        Files.createDirectory(models.resolve("empty"));
    }

    private static void save(String name, boolean remoe) throws IOException {
        VisionTransformer vit =
                Presets.builder("vit_micro_patch4_32").optNumClasses(3).build();
        if (remoe) {
            ReMoE.builder().optRegions(3, 3).build().insertInto(vit);
        }
        // Large enough that regions differ.
        vit.setInitializer(new NormalInitializer(0.2f), Parameter.Type.WEIGHT);
        try (NDManager manager = NDManager.newBaseManager()) {
            manager.getEngine().setRandomSeed(1);
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            ModelFolder.save(models.resolve(name), vit, List.of("cat", "dog", "<ship> & 'co'"));
        }
    }

    private static void picture(String name, int width, int height) throws IOException {
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            picture.setRGB(i % width, i / width, i % width * 0x040201 + i / width * 0x010305);
        }
        Path file = models.resolve(name);
        Files.createDirectories(file.getParent());
        ImageIO.write(picture, "png", file.toFile());
    }

    @BeforeEach
    void listen() {
        out = new StringWriter();
        err = new StringWriter();
    }

    private int run(String command, String model, String... options) {
        String[] all = Stream.concat(
                        Stream.of(command, "--device=cpu", "--run=" + models.resolve(model)),
                        Stream.of(options))
                .toArray(String[]::new);
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(all);
    }

    private int explain(String model, String... options) {
        return run(
                "explain",
                model,
                Stream.concat(Stream.of("--out=" + folder), Stream.of(options))
                        .toArray(String[]::new));
    }

    private static String photo() {
        return models.resolve("photo.png").toString();
    }

    private static List<String> found(Pattern pattern, String text) {
        return pattern.matcher(text)
                .results()
                .map((MatchResult result) -> result.group(1))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"remoe", "cropped"})
    void theWeightsThatAreDrawnAreThoseThatPredictPrints(String model) throws IOException {
        assertThat(run("predict", model, photo())).as("%s", err).isZero();
        List<String> printed = out.toString()
                .lines()
                .filter(line -> line.contains("regions of layer"))
                .flatMap(line -> found(PRINTED, line).stream())
                .toList();
        String best = out.toString().lines().skip(1).findFirst().orElseThrow().strip();

        assertThat(explain(model, "--attack=none", photo())).as("%s", err).isZero();

        String drawing = Files.readString(folder.resolve("photo-regions.svg"));
        assertThat(printed).hasSize(18);
        assertThat(printed.stream().distinct()).hasSizeGreaterThan(10);
        assertThat(found(DRAWN, drawing)).isEqualTo(printed);
        assertThat(drawing).contains(Math.round(Double.parseDouble(best.split(" ")[0])) + " %");
        assertThat(drawing).doesNotContain("turned by").contains(">2 of 9 on<");
    }

    @Test
    void croppedPicturesAreOthers() throws IOException {
        assertThat(explain("remoe", "--attack=none", photo())).isZero();
        String whole = Files.readString(folder.resolve("photo-regions.svg"));
        assertThat(explain("cropped", "--overwrite", "--attack=none", photo())).isZero();

        assertThat(found(DRAWN, Files.readString(folder.resolve("photo-regions.svg"))))
                .isNotEqualTo(found(DRAWN, whole));
    }

    @Test
    void picturesAreAttackedAndJudgedByTheirClass() throws IOException {
        String other = models.resolve("other/photo.png").toString();

        assertThat(explain("remoe", "--epsilon=0.5", "--label=cat", photo(), other))
                .as("%s", err)
                .isZero();

        assertThat(folder.toFile().list())
                .containsExactlyInAnyOrder(
                        "photo-regions.svg",
                        "photo-regions.png",
                        "photo-2-regions.svg",
                        "photo-2-regions.png");
        assertThat(ImageIO.read(folder.resolve("photo-2-regions.png").toFile()).getWidth())
                .isEqualTo(2 * (400 + 16));
        assertThat(out.toString())
                .containsPattern("clean: .* \\d+ %, (right|wrong)")
                .containsPattern("pgd-20, linf 0.5: .* \\d+ %, wrong")
                .containsPattern("region weights of layer 3 turned by \\d+\\.\\d degrees");
        assertThat(Files.readString(folder.resolve("photo-regions.svg")))
                .contains("W turned by", ">true class<", "pgd-20, linf 0.5");
    }

    @Test
    void figuresLieWithTheNetworkUnlessTold() throws IOException {
        assertThat(run("explain", "remoe", "--attack=none", photo()))
                .as("%s", err)
                .isZero();

        assertThat(models.resolve("remoe/explain/photo-regions.png")).exists();
    }

    @Test
    void withoutALabelTheNetworksOwnAnswerIsAttacked() throws IOException {
        assertThat(explain("remoe", "--epsilon=2", "--norm=l2", "--attack=PGD-5", photo()))
                .as("%s", err)
                .isZero();

        assertThat(out.toString())
                .containsPattern("clean: .* \\d+ %\n")
                .containsPattern("pgd-5, l2 2.0: .* \\d+ %, (un)?changed");
        assertThat(Files.readString(folder.resolve("photo-regions.svg")))
                .doesNotContain("true class");
    }

    @Test
    void aNetworkWithoutReMoEIsDrawnWithItsAnswers() throws IOException {
        assertThat(explain("plain", "--attack=fgsm", photo())).as("%s", err).isZero();

        assertThat(out.toString()).contains("no ReMoE layers, so there are no regions.");
        assertThat(Files.readString(folder.resolve("photo-regions.svg")))
                .contains("no ReMoE layers,")
                .doesNotContain("Layer");
    }

    @Test
    void whatIsThereIsReplacedOnDemandOnly() throws IOException {
        Path figure = Files.writeString(folder.resolve("photo-regions.png"), "mine");

        assertThat(explain("remoe", "--attack=none", photo())).isEqualTo(1);
        assertThat(err.toString()).contains("it exists. Name another folder with --out");
        assertThat(figure).hasContent("mine");
        assertThat(folder.toFile().list()).hasSize(1);

        assertThat(explain("remoe", "--attack=none", "--overwrite", photo())).isZero();
        assertThat(ImageIO.read(figure.toFile())).isNotNull();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "remoe | missing.png | pgd-2 | cat | missing.png: no such file",
                "remoe | text.png | pgd-2 | cat | cannot read the image",
                "remoe | photo.png | pgd-2 | bird | no class 'bird'. The network knows cat, dog, <ship>",
                "remoe | photo.png | pgd2 | cat | Did you mean pgd-2?",
                "empty | photo.png | pgd-2 | cat | is no folder of a trained network"
            })
    void whatCannotBeUsedIsNamed(
            String model, String photo, String attack, String label, String message) {
        assertThat(explain(
                        model,
                        "--attack=" + attack,
                        "--label=" + label,
                        models.resolve(photo).toString()))
                .isEqualTo(1);

        assertThat(err.toString()).startsWith("Error: ").contains(message).hasLineCount(1);
        assertThat(folder).isEmptyDirectory();
    }
}
