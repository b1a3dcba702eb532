package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.cli.AttackedImage.Answer;

import org.junit.jupiter.api.Test;

class AttackedImageTest {

    private static AttackedImage outcome(int before, int after, int stored) {
        return new AttackedImage(
                "tench.jpg",
                0,
                "tench",
                true,
                new Answer(before, "class " + before, 0.93f),
                new Answer(after, "class " + after, 0.71f),
                new Answer(stored, "class " + stored, 0.5f),
                0.1f,
                0.2f);
    }

    @Test
    void onlyARightAnswerCanBeFooled() {
        assertThat(outcome(0, 1, 0).fooled()).isTrue();
        assertThat(outcome(0, 1, 0).fooledWhenStored()).isFalse();
        assertThat(outcome(0, 0, 1).fooled()).isFalse();
        assertThat(outcome(0, 0, 1).fooledWhenStored()).isTrue();
        assertThat(outcome(1, 1, 1).rightBefore()).isFalse();
        assertThat(outcome(1, 1, 1).fooled()).isFalse();
        assertThat(outcome(1, 1, 1).fooledWhenStored()).isFalse();
    }

    @Test
    void answersAreToldInPercent() {
        assertThat(new Answer(3, "chain saw", 0.706f)).hasToString("chain saw 71 %");
    }
}
