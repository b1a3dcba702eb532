package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunInfo;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

class AttackCommandTest {

    private static final List<String> CLASSES = List.of(
            "horizontal_stripes",
            "vertical_stripes",
            "diagonal_stripes",
            "checkerboard",
            "dots",
            "disc",
            "ring",
            "cross",
            "frame",
            "triangle");

    /** 3 x 8 x 8 pixels, 5 classes. */
    private static final Path TRACED =
            Path.of("..", "remoe-train", "src", "test", "resources", "golden", "traced.pt");

    @TempDir
    private static Path runs;

    private static Path run;

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** A run that never trained: its weights are random, which is enough to be fooled. */
    @BeforeAll
    static void createRun() throws IOException {
        RunConfig config = RunConfig.defaults().with(Map.of("data", "synthetic"));
        run = runs.resolve("run");
        RunFolder runFolder = new RunFolder(run);
        runFolder.create(
                config, new RunInfo(CLASSES, "synthetic", "checksum", 8, "cpu()", Map.of()));
        VisionTransformer vit = config.createModel(CLASSES.size());
        try (Model model = Model.newInstance("random")) {
            model.getNDManager().getEngine().setRandomSeed(1);
            vit.initialize(model.getNDManager(), DataType.FLOAT32, vit.inputShape(1));
            model.setBlock(vit);
            runFolder.saveModel(RunFolder.Weights.LAST, model, 1);
        }
    }

    private int attack(String... options) {
        return execute("--run=" + run, options);
    }

    private int attackScript(String... options) {
        return execute("--torchscript=" + TRACED, options);
    }

    private int execute(String model, String... options) {
        Stream<String> arguments = Stream.concat(
                Stream.of("attack", model, "--device=cpu", "--out=" + folder.resolve("out")),
                Stream.of(options));
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments.toArray(String[]::new));
    }

    private Path picture(String name, int rgb) throws IOException {
        BufferedImage image = new BufferedImage(50, 40, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 50 * 40; i++) {
            image.setRGB(i % 50, i / 50, rgb + i * 7919 % 0x3F3F3F);
        }
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        ImageIO.write(image, "png", file.toFile());
        return file;
    }

    private List<String> written() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("out"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void testImagesOfTheRunAreAttackedByDefault() throws IOException {
        assertThat(attack("--samples=3", "--attack=PGD-3", "--batch-size=2")).isZero();

        assertThat(written()).hasSize(8).endsWith("sheet.png", "sheet.svg");
        assertThat(out.toString())
                .contains("pgd-3, linf, epsilon 8/255")
                .containsPattern("Right before the attack: \\d of 3\\.")
                .doesNotContain("own prediction");
    }

    @Test
    void filesAndFoldersAreAttackedAndTheirPicturesStored() throws IOException {
        Path file = picture("photos/café 1.png", 0x202020);
        picture("classes/ring/2.png", 0x404040);

        assertThat(attack(
                        "--images",
                        file.toString(),
                        folder.resolve("classes").toString(),
                        "--norm=l2",
                        "--epsilon=3",
                        "--attack=cw-5"))
                .isZero();

        assertThat(written())
                .containsExactly(
                        "001-café-1-adversarial.png",
                        "001-café-1-clean.png",
                        "002-2-adversarial.png",
                        "002-2-clean.png",
                        "sheet.png",
                        "sheet.svg");
        BufferedImage adversarial =
                ImageIO.read(folder.resolve("out/002-2-adversarial.png").toFile());
        assertThat(adversarial.getWidth()).isEqualTo(32);
        assertThat(out.toString())
                .contains("1 of 2 images do not lie in a folder named like a class")
                .containsPattern("café 1.png +\\S+ .*3\\.00 +yes +yes")
                .containsPattern("2.png +ring ");
        assertThat(folder.resolve("out")).isDirectoryNotContaining("glob:**/.*");
    }

    @Test
    void anUnreadableImageIsNamedAndLeavesNothingBehind() throws IOException {
        picture("photos/a.png", 0x202020);
        Path damaged = folder.resolve("photos/b.png");
        Files.writeString(damaged, "no picture");

        assertThat(attack("--images=" + folder.resolve("photos"))).isEqualTo(1);

        assertThat(err.toString()).startsWith("Error: cannot read the image " + damaged);
        assertThat(folder).isDirectoryNotContaining("glob:**out*");
    }

    @Test
    void whatIsThereIsLeftAlone() throws IOException {
        Files.createDirectory(folder.resolve("out"));
        assertThat(attack("--samples=1", "--attack=fgsm")).isZero();

        assertThat(attack("--samples=1", "--attack=fgsm")).isEqualTo(1);
        assertThat(err.toString()).contains("is not empty. Choose another folder, or delete it.");
        assertThat(written()).hasSize(4);
    }

    @Test
    void contradictionsAreTold() {
        assertThat(attack("--images=x.png", "--data=synthetic")).isEqualTo(2);
        assertThat(err.toString()).contains("mutually exclusive");
        assertThat(attack("--torchscript=x.pt", "--image-size=32")).isEqualTo(2);
        assertThat(attack("--images=nowhere.png")).isEqualTo(1);
        assertThat(err.toString()).contains("no file or folder").contains("nowhere.png");
        assertThat(attack("--attack=pgd20")).isEqualTo(1);
        assertThat(err.toString()).contains("Did you mean pgd-20?");
    }

    @Test
    void tracedModelsAreAttacked() throws IOException {
        Path names = Files.writeString(folder.resolve("names.txt"), "tench\na b\nchurch\nd\ne\n");
        Path file = picture("church/1.png", 0x202020);

        assertThat(attackScript(
                        "--image-size=8",
                        "--classes-file=" + names,
                        "--mean=0.5,0.5,0.5",
                        "--std=0.2,0.2,0.2",
                        "--epsilon=0.5",
                        "--images=" + file))
                .isZero();

        assertThat(out.toString()).containsPattern("1.png +church ");
        BufferedImage clean = ImageIO.read(folder.resolve("out/001-1-clean.png").toFile());
        assertThat(clean.getWidth()).isEqualTo(8);
    }

    @Test
    void whatDoesNotFitATracedModelIsTold() throws IOException {
        Path names = Files.writeString(folder.resolve("names.txt"), "tench\n");

        assertThat(attackScript("--image-size=16", "--data=synthetic")).isEqualTo(1);
        assertThat(attackScript("--image-size=8", "--classes-file=" + names)).isEqualTo(1);
        assertThat(attackScript("--image-size=8", "--mean=0.5,0.5")).isEqualTo(1);
        assertThat(attackScript("--image-size=8")).isEqualTo(2);
        assertThat(err.toString().lines())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .contains("cannot take images of 3 x 16 x 16")
                                .endsWith("Check --image-size."),
                        line -> assertThat(line)
                                .contains("The model has 5 classes")
                                .contains("names 1"),
                        line -> assertThat(line).contains("--mean takes three numbers"),
                        line -> assertThat(line).contains("There are no images"),
                        line -> assertThat(line).startsWith("See '"));
    }
}
