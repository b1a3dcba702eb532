package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.ReMoE;
import io.github.remoe.inference.ModelFolder;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import javax.imageio.ImageIO;

class PredictCommandTest {

    @TempDir
    private static Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void saveANetworkAndAPicture() throws IOException {
        VisionTransformer vit =
                Presets.builder("vit_micro_patch4_32").optNumClasses(3).build();
        ReMoE.builder().build().insertInto(vit);
        try (NDManager manager = NDManager.newBaseManager()) {
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            ModelFolder.save(folder.resolve("model"), vit, List.of("cat", "dog", "ship"));
        }
        BufferedImage picture = new BufferedImage(40, 50, BufferedImage.TYPE_INT_RGB);
        picture.setRGB(20, 25, 0xffffff);
        ImageIO.write(picture, "png", folder.resolve("photo.png").toFile());
        Files.writeString(folder.resolve("text.png"), "no picture");
        Files.createDirectory(folder.resolve("empty"));
    }

    private int predict(String... args) {
        String[] all = new String[args.length + 2];
        all[0] = "predict";
        all[1] = "--device=cpu";
        System.arraycopy(args, 0, all, 2, args.length);
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(all);
    }

    @Test
    void printsTheLikeliestClassesAndTheRegions() {
        assertThat(predict(
                        "--run=" + folder.resolve("model"),
                        "--top-k=2",
                        folder.resolve("photo.png").toString()))
                .as("%s", err)
                .isZero();

        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSize(5);
        assertThat(lines.get(0)).endsWith("photo.png");
        assertThat(lines.get(1)).matches(" {2,4}\\d+\\.\\d\\d % {2}(cat|dog|ship)");
        assertThat(lines.get(3)).matches("  regions of layer 3: \\S+ \\S+ \\| \\S+ \\S+");
        assertThat(lines.get(4)).startsWith("  regions of layer 5:");
    }

    @Test
    void jsonHoldsAllOfIt() {
        String photo = folder.resolve("photo.png").toString();

        assertThat(predict("--json", "--run=" + folder.resolve("model"), photo, photo))
                .isZero();

        JsonObject image =
                JsonParser.parseString(out.toString()).getAsJsonArray().get(0).getAsJsonObject();
        assertThat(image.get("file").getAsString()).isEqualTo(photo);
        double sum = 0;
        for (JsonElement element : image.getAsJsonArray("classifications")) {
            sum += element.getAsJsonObject().get("probability").getAsDouble();
        }
        assertThat(sum).isEqualTo(1, within(1e-5));
        assertThat(image.getAsJsonArray("regionWeights")).hasSize(2);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "model | text.png | text.png",
                "model | missing.png | missing.png: no such file",
                "empty | photo.png | is no folder of a trained network",
                "missing | photo.png | is no folder of a trained network"
            })
    void whatCannotBeUsedIsNamed(String model, String photo, String message) {
        assertThat(predict(
                        "--run=" + folder.resolve(model), folder.resolve(photo).toString()))
                .isNotZero();
        assertThat(err.toString()).startsWith("Error: ").contains(message).hasLineCount(1);
    }
}
