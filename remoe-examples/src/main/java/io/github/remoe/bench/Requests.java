package io.github.remoe.bench;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;

import java.util.Map;

/** What workers are asked: one JSON object a line, whose member {@code do} says which of these. */
final class Requests {

    /** Writes nulls too: a peer that finds no {@code remoe} should not have to guess. */
    static final Gson GSON =
            new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

    private Requests() {}

    /**
     * Builds a network and reads what it is measured on.
     *
     * @param network the network
     * @param weights a safetensors file of its weights, in the form of {@code export}
     * @param inputs a safetensors file: {@code images} (N,3,h,w) in [0,1], {@code labels} (N), and
     *     {@code shifted}, the images a little moved
     * @param threads the threads of PyTorch
     * @param device {@code cpu} or {@code cuda:0}
     * @param as a name, where a worker has more networks than one; null otherwise
     */
    record Load(
            Network network,
            String weights,
            String inputs,
            int threads,
            String device,
            String as) {}

    /**
     * The answer to {@link Load}: what a worker runs on.
     *
     * @param versions the versions of its libraries by name
     * @param device the device, on the peer's side the name of a GPU
     */
    record Environment(Map<String, String> versions, String device) {}

    /**
     * Tells logits, loss and gradient, to be compared.
     *
     * @param batch how many images, the first ones
     */
    record Check(int batch) {}

    /**
     * Does a piece of work once and tells how long it took.
     *
     * @param row which work: {@code inference}, {@code pgd-step}, {@code sat-step}, {@code
     *     evaluation}, {@code autoattack}, {@code data} or {@code matmul}
     * @param batch how many images at a time
     * @param images how many images in all
     * @param repeat how often an inference or an attack step is made, of which one alone may be too short
     *     to be measured
     * @param epsilon the radius of the attack in pixel values
     * @param regionLosses whether a training step has both region losses
     * @param folder the folder of CIFAR-10's binary files
     * @param of the network's name, where there are more than one; null otherwise
     */
    record Run(
            String row,
            int batch,
            int images,
            int repeat,
            float epsilon,
            boolean regionLosses,
            String folder,
            String of) {}
}
