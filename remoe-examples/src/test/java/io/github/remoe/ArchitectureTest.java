package io.github.remoe;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** Imports run examples -> train -> core, never back, and no package knows itself in a circle. */
@AnalyzeClasses(packages = "io.github.remoe", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {

    @ArchTest
    static final ArchRule MODULES_DEPEND_DOWNWARDS = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("core")
            .definedBy(
                    "io.github.remoe",
                    "io.github.remoe.vit..",
                    "io.github.remoe.moe..",
                    "io.github.remoe.autograd..",
                    "io.github.remoe.nn..",
                    "io.github.remoe.file..",
                    "io.github.remoe.image..",
                    "io.github.remoe.inference..",
                    "io.github.remoe.weights..")
            .layer("train")
            .definedBy(
                    "io.github.remoe.attack..",
                    "io.github.remoe.loss..",
                    "io.github.remoe.train..",
                    "io.github.remoe.run..",
                    "io.github.remoe.data..",
                    "io.github.remoe.evaluate..",
                    "io.github.remoe.figure..",
                    "io.github.remoe.metrics..",
                    "io.github.remoe.report..",
                    "io.github.remoe.experiment..")
            .layer("examples")
            .definedBy(
                    "io.github.remoe.cli..",
                    "io.github.remoe.bench..",
                    "io.github.remoe.examples..")
            .whereLayer("examples")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("train")
            .mayOnlyBeAccessedByLayers("examples");

    @ArchTest
    static final ArchRule EVERY_CLASS_IS_IN_A_KNOWN_PACKAGE = classes()
            .should()
            .resideInAnyPackage(
                    "io.github.remoe",
                    "io.github.remoe.vit..",
                    "io.github.remoe.moe..",
                    "io.github.remoe.autograd..",
                    "io.github.remoe.nn..",
                    "io.github.remoe.file..",
                    "io.github.remoe.image..",
                    "io.github.remoe.inference..",
                    "io.github.remoe.weights..",
                    "io.github.remoe.attack..",
                    "io.github.remoe.loss..",
                    "io.github.remoe.train..",
                    "io.github.remoe.run..",
                    "io.github.remoe.data..",
                    "io.github.remoe.evaluate..",
                    "io.github.remoe.figure..",
                    "io.github.remoe.metrics..",
                    "io.github.remoe.report..",
                    "io.github.remoe.experiment..",
                    "io.github.remoe.cli..",
                    "io.github.remoe.bench..",
                    "io.github.remoe.examples..");

    @ArchTest
    static final ArchRule PACKAGES_HAVE_NO_CIRCLES =
            slices().matching("io.github.remoe.(*)..").should().beFreeOfCycles();

    @ArchTest
    static final ArchRule THE_TRANSFORMER_DOES_NOT_KNOW_THE_EXPERTS = noClasses()
            .that()
            .resideInAPackage("..vit..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("..moe..");

    @ArchTest
    static final ArchRule THE_EXPERTS_DO_NOT_KNOW_THE_TRANSFORMER = noClasses()
            .that()
            .resideInAPackage("..moe..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("..vit..");

    @ArchTest
    static final ArchRule NOTHING_KNOWS_THE_ENGINE =
            noClasses().should().dependOnClassesThat().resideInAPackage("ai.djl.pytorch..");
}
