package io.github.remoe.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.ReMoE;
import io.github.remoe.inference.ModelFolder;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;

import javax.imageio.ImageIO;

class ClassifyImageTest {

    @TempDir
    private Path temp;

    @Test
    void aPhotoIsClassifiedAndAttacked() throws Exception {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .optNumClasses(2)
                .build();
        ReMoE.builder().optLayers(2).build().insertInto(vit);
        try (NDManager manager = NDManager.newBaseManager()) {
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            ModelFolder.save(temp, vit, List.of("cat", "dog"));
        }
        Path photo = temp.resolve("photo.jpg");
        ImageIO.write(new BufferedImage(20, 12, BufferedImage.TYPE_INT_RGB), "jpg", photo.toFile());
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        ClassifyImage.print(temp, photo, new PrintStream(out));

        assertThat(out.toString())
                .containsPattern("\"?(cat|dog)\"?.*probability")
                .contains("layer 2: [")
                .containsPattern("(cat|dog) under pgd-20: (cat|dog)");
    }
}
