package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

import javax.imageio.ImageIO;

/**
 * A run that has all that a page can show, made by the program's own commands in seconds: a training
 * of two epochs on pictures of three classes, an evaluation under several attacks and radii with the
 * adversarial images saved, and a check for gradient masking.
 */
final class TinyRun {

    /** The name of a class that a page must show as it is. */
    static final String NASTY = "<img src=x onerror=\"document.title='broken'\">";

    private static final List<String> CLASSES = List.of("cat", "dog & wolf", NASTY);
    private static final int SIZE = 32;

    private TinyRun() {}

    /**
     * Makes the run.
     *
     * @param folder an empty folder
     * @return the run's folder in it
     */
    static Path create(Path folder) throws IOException {
        Path data = folder.resolve("data");
        pictures(data, "train", 8);
        pictures(data, "test", 6);
        StringBuilder names = new StringBuilder();
        for (int label = 0; label < CLASSES.size(); label++) {
            names.append(wordNetId(label))
                    .append(' ')
                    .append(CLASSES.get(label))
                    .append('\n');
        }
        Files.writeString(data.resolve("classes.txt"), names);
        Path run = folder.resolve("run &amp; 1");
        execute(
                "train",
                "--model=vit_micro_patch4_32",
                "--remoe",
                "--layers=2,4",
                "--data=" + data,
                "--epochs=2",
                "--optimizer=adamw",
                "--lr=2e-3",
                "--warm-up-epochs=0",
                "--batch-size=8",
                "--validation=6",
                "--attack-steps=1",
                "--attack=fgsm",
                "--test-samples=6",
                "--device=cpu",
                "--out=" + run);
        execute(
                "evaluate",
                "--run=" + run,
                "--samples=0",
                "--attack=fgsm,pgd-2",
                "--epsilon=1/255,8/255",
                "--save-adversarial",
                "--device=cpu");
        execute("masking", "--run=" + run, "--samples=6", "--queries=5", "--device=cpu");
        return run;
    }

    /** Makes the page of the run; its figures lie beside it. */
    static Path report(Path run) {
        Path folder = run.resolveSibling("report");
        execute("report", "--run=" + run, "--out=" + folder, "--device=cpu");
        return folder.resolve("report.html");
    }

    private static String wordNetId(int label) {
        return "n0000000" + label;
    }

    private static void pictures(Path data, String part, int each) throws IOException {
        Random random = new Random(part.hashCode());
        for (int label = 0; label < CLASSES.size(); label++) {
            Path folder = Files.createDirectories(data.resolve(part).resolve(wordNetId(label)));
            for (int i = 0; i < each; i++) {
                BufferedImage picture = new BufferedImage(SIZE, SIZE, BufferedImage.TYPE_INT_RGB);
                for (int y = 0; y < SIZE; y++) {
                    for (int x = 0; x < SIZE; x++) {
                        // Stripes of another direction for each class, and noise.
                        int stripe = (label == 0 ? x : label == 1 ? y : x + y) / 4 % 2 * 128;
                        picture.setRGB(x, y, 0x010101 * (stripe + random.nextInt(128)));
                    }
                }
                ImageIO.write(picture, "png", folder.resolve(i + ".png").toFile());
            }
        }
    }

    /** Runs a command, which has to succeed. */
    static String execute(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode = Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
        assertThat(exitCode).as(String.join(" ", arguments) + "\n" + err).isZero();
        return out.toString();
    }
}
