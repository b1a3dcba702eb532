package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.LogitLoss;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

class AttackNameTest {

    private static final ThreatModel THREAT = ThreatModel.linf(8 / 255f);

    @Test
    void namesMeanTheSettingsOfTheLiterature() {
        assertThat(AttackName.create("FGSM", THREAT, null)).isEqualTo(new Fgsm(THREAT));
        assertThat(AttackName.create("pgd-20", THREAT, null))
                .isEqualTo(Pgd.builder(THREAT).optSteps(20).build());
        assertThat(AttackName.create("CW-100", THREAT, 0.01f))
                .isEqualTo(Pgd.builder(THREAT)
                        .optLoss(LogitLoss.MARGIN)
                        .optSteps(100)
                        .optStepSize(0.01f)
                        .build());
    }

    @Test
    void severalKeepTheirOrderAndGetLowerCaseNames() {
        assertThat(AttackName.create(List.of("PGD-5", "fgsm", "pgd-2"), THREAT, null))
                .containsOnlyKeys("pgd-5", "fgsm", "pgd-2")
                .extracting(attacks -> attacks.keySet().iterator().next())
                .isEqualTo("pgd-5");
    }

    @ParameterizedTest
    @CsvSource({
        "pgd20, pgd-20",
        "pdg-7, pgd-7",
        "fgms, fgsm",
        "pgd, pgd-20",
        "cw_30, cw-30",
        "PGD50, pgd-50"
    })
    void aTypoGetsTheNearestName(String typo, String nearest) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AttackName.create(typo, THREAT, null))
                .withMessageStartingWith(
                        "Unknown attack '" + typo + "'. Did you mean " + nearest + "?")
                .withMessageContaining("Known attacks: fgsm, ");
    }

    @ParameterizedTest
    @CsvSource({"spectacular", "''", "x"})
    void whatIsNearNoneGetsTheList(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AttackName.create(name, THREAT, null))
                .withMessageStartingWith("Unknown attack '" + name + "'. Known attacks: fgsm, ");
    }

    @Test
    void theHelpExplainsEveryName() {
        assertThat(AttackName.help())
                .anyMatch(line -> line.contains("pgd-STEPS") && line.contains("cross-entropy"))
                .anyMatch(line -> line.contains("cw-STEPS") && line.contains("margin"));
    }
}
