package io.github.remoe.nn;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import java.util.stream.LongStream;

/**
 * DJL's linear layer with a bias, (B,...,in) to (B,...,out).
 *
 * <p>On x86-64 processors the product is a convolution of 1 x 1. Those go to oneDNN, which uses the
 * widest vectors that the processor has; PyTorch's matrix product goes to MKL, which leaves half of
 * each idle on processors that are not Intel's (docs/benchmarks.md has the figures). The two differ
 * by rounding alone. Which is taken depends on the size of an image and, from four images on, not on
 * that of the batch as long as the batch is even.
 */
public final class Linear extends ai.djl.nn.core.Linear {

    private static final boolean X86_64 = System.getProperty("os.arch").matches("amd64|x86_64");

    // Below, preparing the convolution takes longer than MKL takes for all. From a few images on,
    // the inputs of one decide, so that its values are the same in each such batch.
    private static final long FEW_IMAGES = 4;
    private static final long MIN_INPUTS_OF_IMAGE = 2048;
    // PyTorch gives oneDNN no smaller convolution of 1 x 1, unless it is of more than one image,
    private static final long MIN_INPUTS = 20480;
    private static final long MOST_IMAGES = 13;
    // nor one without a stride or dilation on one thread; to a kernel of one pixel it means
    // nothing.
    private static final Shape DILATION = new Shape(2, 2);
    private static final Shape STRIDE = new Shape(1, 1);
    private static final Shape PADDING = new Shape(0, 0);

    private final Parameter weight;
    private final Parameter bias;

    /**
     * Creates a layer with a bias.
     *
     * @param units the width of the output
     */
    public Linear(long units) {
        super(builder().setUnits(units));
        weight = getDirectParameters().get("weight");
        bias = getDirectParameters().get("bias");
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray input = inputs.singletonOrThrow();
        Device device = input.getDevice();
        return new NDList(affine(
                input,
                parameterStore.getValue(weight, device, training),
                parameterStore.getValue(bias, device, training)));
    }

    /**
     * Returns {@code input weight^T + bias}.
     *
     * @param input (B,...,in)
     * @param weight (out,in)
     * @param bias (out)
     * @return (B,...,out), attached to the manager of {@code input}
     */
    public static NDArray affine(NDArray input, NDArray weight, NDArray bias) {
        return suitsOneDnn(input, input.getShape().get(input.getShape().dimension() - 1))
                ? convolution(input, weight, bias, 1)
                : linear(input, weight, bias).singletonOrThrow();
    }

    /**
     * Returns {@code input[:,:,k] weight[k] + bias[k]} for each k, K products in one call.
     *
     * @param input (B,M,K,in)
     * @param weight (K,in,out)
     * @param bias (K,1,out)
     * @return (B,M,K,out), attached to the manager of {@code input}
     */
    public static NDArray affineOfEach(NDArray input, NDArray weight, NDArray bias) {
        long number = weight.getShape().get(0);
        long in = weight.getShape().get(1);
        if (suitsOneDnn(input, number * in)) {
            NDArray kernels = weight.transpose(0, 2, 1).reshape(-1, in);
            return convolution(input, kernels, bias.reshape(-1), number);
        }
        Shape shape = input.getShape();
        return input.reshape(-1, number, in)
                .transpose(1, 0, 2)
                .matMul(weight)
                .add(bias)
                .transpose(1, 0, 2)
                .reshape(shape.slice(0, shape.dimension() - 1)
                        .add(weight.getShape().get(2)));
    }

    private static NDArray convolution(NDArray input, NDArray weight, NDArray bias, long groups) {
        Shape shape = input.getShape();
        Shape kernels = weight.getShape();
        long channels = groups * kernels.get(1);
        // Channels side by side: nothing moves. Pixels in a row: in a column, the gradient of the
        // weights takes oneDNN up to three times as long.
        NDArray pixels =
                input.reshape(images(shape, channels), 1, -1, channels).transpose(0, 3, 1, 2);
        return Conv2d.conv2d(
                        pixels,
                        weight.reshape(kernels.get(0), kernels.get(1), 1, 1),
                        bias,
                        STRIDE,
                        PADDING,
                        DILATION,
                        Math.toIntExact(groups))
                .singletonOrThrow()
                .transpose(0, 2, 3, 1)
                .reshape(shape.slice(0, shape.dimension() - 1).add(kernels.get(0) / groups));
    }

    private static boolean suitsOneDnn(NDArray input, long channels) {
        Shape shape = input.getShape();
        return X86_64
                && !input.getDevice().isGpu()
                && input.getDataType() == DataType.FLOAT32
                && (shape.get(0) < FEW_IMAGES
                        ? shape.size() > MIN_INPUTS
                        : shape.size() / shape.get(0) >= MIN_INPUTS_OF_IMAGE
                                && (images(shape, channels) > 1 || shape.size() > MIN_INPUTS));
    }

    /** Into how many images of as many pixels each the inputs can be cut: a few, or one. */
    private static long images(Shape shape, long channels) {
        long pixels = shape.size() / channels;
        return LongStream.rangeClosed(2, MOST_IMAGES)
                .filter(images -> pixels % images == 0)
                .findFirst()
                .orElse(1);
    }
}
