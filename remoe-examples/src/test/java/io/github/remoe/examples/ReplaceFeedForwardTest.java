package io.github.remoe.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;

class ReplaceFeedForwardTest {

    @Test
    void replacementChangesNothing() throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();

        assertThat(ReplaceFeedForward.run(64, 1, new PrintStream(out))).isLessThan(1e-6f);

        assertThat(out.toString())
                .contains("04TransformerEncoderBlock/03outputBlock")
                .contains("with ReMoE: accuracy 0.");
    }
}
