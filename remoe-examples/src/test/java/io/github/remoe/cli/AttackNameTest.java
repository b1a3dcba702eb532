package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.remoe.ReMoE;
import io.github.remoe.attack.CwL2;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.LogitLoss;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.RegionPgd;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

class AttackNameTest {

    private static final ThreatModel THREAT = ThreatModel.linf(8 / 255f);

    @Test
    void namesMeanTheSettingsOfTheLiterature() {
        assertThat(AttackName.create("FGSM", THREAT, null, null)).isEqualTo(new Fgsm(THREAT));
        assertThat(AttackName.create("pgd-20", THREAT, null, null))
                .isEqualTo(Pgd.builder(THREAT).optSteps(20).build());
        assertThat(AttackName.create("CW-100", THREAT, 0.01f, null))
                .isEqualTo(Pgd.builder(THREAT)
                        .optLoss(LogitLoss.MARGIN)
                        .optSteps(100)
                        .optStepSize(0.01f)
                        .build());
    }

    /** What a name stands for is for ever: figures of different versions are compared by it. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "rfgsm | RFgsm[* randomStep=0.015686275, stepSize=0.015686275, steps=1]",
                "bim | Bim[*cross-entropy*stepSize=0.007843138, steps=10]",
                "mifgsm | MiFgsm[*stepSize=0.003137255, steps=10, decay=1.0]",
                "apgd-ce | Apgd[*loss=cross-entropy, targetClasses=0, steps=100, restarts=1*",
                "apgd-dlr | Apgd[*loss=dlr, targetClasses=0, steps=100, restarts=1*",
                "apgd-t | Apgd[*loss=dlr, targetClasses=9, steps=100, restarts=1*",
                "fab | Fab[*targeted=false*steps=100, restarts=1*",
                "fab-t | Fab[*targeted=true, targetClasses=9, steps=100, restarts=1*",
                "deepfool | DeepFool[*steps=50, overshoot=0.02, candidates=10]",
                "square | Square[*queries=5000*",
                "autoattack | AutoAttack[*name=apgd-ce*name=apgd-t*name=fab-t*name=square*",
                "autoattack-plus | AutoAttack[*name=apgd-dlr*restarts=5*",
                "autoattack-rand | AutoAttack[*eotSteps=20*",
                "routing-20 | Pgd[*RoutingLoss[logitLoss=cross-entropy, weight=1.0]*steps=20*"
            })
    void everyNameStandsForItsSettings(String name, String settings) {
        String expected = Arrays.stream(settings.split("\\*", -1))
                .map(Pattern::quote)
                .collect(Collectors.joining(".*"));

        assertThat(AttackName.create(name, THREAT, null, null).toString()).matches(expected);
    }

    @Test
    void theL2AttackOfCarliniAndWagnerIsNotPgdOnTheirLoss() {
        assertThat(AttackName.create("cw-l2", ThreatModel.l2(1), null, null))
                .isInstanceOf(CwL2.class);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AttackName.create("cw-l2", THREAT, null, null))
                .withMessageContaining("l2");
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
                .isThrownBy(() -> AttackName.create(typo, THREAT, null, null))
                .withMessageStartingWith(
                        "Unknown attack '" + typo + "'. Did you mean " + nearest + "?")
                .withMessageContaining("Known attacks: fgsm, ");
    }

    @ParameterizedTest
    @CsvSource({"spectacular", "''", "x"})
    void whatIsNearNoneGetsTheList(String name) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AttackName.create(name, THREAT, null, null))
                .withMessageStartingWith("Unknown attack '" + name + "'. Known attacks: fgsm, ");
    }

    @Test
    void regionsAreThoseOfTheNetwork() {
        VisionTransformer vit = Presets.builder("vit_micro_patch4_32").build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AttackName.create("regions-low-5", THREAT, null, null))
                .withMessageContaining("ReMoE network");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> AttackName.create("regions-low-5", THREAT, null, vit))
                .withMessageContaining("ReMoE blocks");

        ReMoE.builder().build().insertInto(vit);
        assertThat(AttackName.create("regions-low-5", THREAT, null, vit))
                .isEqualTo(RegionPgd.builder(THREAT, vit)
                        .optHighest(false)
                        .optSteps(5)
                        .build());
    }

    @Test
    void theHelpExplainsEveryName() {
        assertThat(AttackName.help())
                .anyMatch(line -> line.contains("pgd-STEPS") && line.contains("cross-entropy"))
                .anyMatch(line -> line.contains("cw-STEPS") && line.contains("margin"));
    }
}
