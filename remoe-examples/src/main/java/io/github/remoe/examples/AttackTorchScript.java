package io.github.remoe.examples;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.translate.NoopTranslator;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;

import java.io.IOException;
import java.nio.file.Path;

/** Attacks a network that PyTorch traced or scripted. */
public final class AttackTorchScript {

    private AttackTorchScript() {}

    /**
     * Returns adversarial images.
     *
     * @param file the TorchScript file of a network from images in [0,1] to logits
     * @param images (B,C,h,w) in [0,1]
     * @param labels their classes (B)
     * @param seed what random choices come from
     * @return (B,C,h,w)
     */
    public static NDArray attack(Path file, NDArray images, NDArray labels, long seed)
            throws IOException, ModelNotFoundException, MalformedModelException {
        Criteria<NDList, NDList> criteria = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(file)
                .optTranslator(new NoopTranslator())
                .build();
        try (Model model = criteria.loadModel();
                TargetModel target = new TargetModel(model)) {
            Attack attack = AutoAttack.standard(ThreatModel.linf(8 / 255f));
            return attack.perturb(target, images, labels, seed);
        }
    }
}
