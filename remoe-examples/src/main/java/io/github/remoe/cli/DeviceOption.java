package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.engine.Engine;

import picocli.CommandLine.Option;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The option that chooses where to compute. */
final class DeviceOption {

    private static final Pattern GPUS = Pattern.compile("gpu:(\\d+(?:,\\d+)*)");

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "auto",
            description =
                    "cpu, gpu, gpu:0,1 for certain ones (training splits batches over them), or"
                            + " auto: the GPU if there is one. Default: ${DEFAULT-VALUE}.")
    private String device;

    /** The device; the first if several are named. */
    Device device() {
        return devices()[0];
    }

    Device[] devices() {
        int gpus = Engine.getInstance().getGpuCount();
        if (device.equals("cpu") || device.equals("auto") && gpus == 0) {
            return new Device[] {Device.cpu()};
        }
        if (device.equals("auto") || device.equals("gpu") && gpus > 0) {
            return new Device[] {Device.gpu()};
        }
        Matcher matcher = GPUS.matcher(device);
        if (!device.equals("gpu") && !matcher.matches()) {
            throw new IllegalArgumentException(String.format(
                    "Unknown device '%s': choose cpu, gpu, gpu:0,1 or auto.", device));
        }
        int[] numbers = device.equals("gpu")
                ? new int[] {0}
                : Stream.of(matcher.group(1).split(","))
                        .mapToInt(Integer::parseInt)
                        .toArray();
        for (int number : numbers) {
            if (number >= gpus) {
                throw new IllegalArgumentException(String.format(
                        "There is no CUDA device %d, but %d of them, or the program was built for"
                                + " the CPU: build with -Pcu121, or use --device cpu.",
                        number, gpus));
            }
        }
        return IntStream.of(numbers).mapToObj(Device::gpu).toArray(Device[]::new);
    }
}
