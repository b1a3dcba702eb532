package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;

class ShellCommandTest {

    @Test
    void wordsAreQuotedWhereAShellWouldReadThemOtherwise() {
        assertThat(ShellCommand.of(List.of(
                        "evaluate", "--run=runs/a-1", "--epsilon", "1/255,8/255", "--data", "")))
                .isEqualTo("evaluate --run=runs/a-1 --epsilon 1/255,8/255 --data ''");
        assertThat(ShellCommand.of(List.of("report", "--run", "my runs/$HOME", "--out=it's; <b>")))
                .isEqualTo("report --run 'my runs/$HOME' '--out=it'\\''s; <b>'");
        assertThat(ShellCommand.of(List.of("~", "ä", "a\nb"))).isEqualTo("'~' 'ä' 'a\nb'");
    }
}
