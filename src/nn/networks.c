#include "nn/networks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Channels at this width: a multiple of 8, at least 8; the published number at width 1. */
static int64_t channels(const struct network_options *options, int64_t published)
{
    if (options->width == 1)
        return published;
    int64_t scaled = (int64_t)(options->width * (double)published / 8 + 0.5) * 8;
    return scaled < 8 ? 8 : scaled;
}

static bool small_stem(const struct network_options *options, val pictures)
{
    return options->stem == STEM_CIFAR || (options->stem == STEM_AUTO && dim(pictures, 2) < 64);
}

/* Four times convolution 3x3, batch norm, ReLU, 2x2 maximum; then the mean of the plane. */
static val encode_conv4(net n, const struct network_type *type,
                        const struct network_options *options, val x)
{
    (void)type;
    for (int i = 0; i < 4; i++) {
        net layer = part(n, "layer%d", i + 1);
        val y = batch_norm(layer, "bn",
                           convolution(layer, "conv", x, channels(options, 32 << i), 3, 1, 1));
        x = relu(y);
        if (dim(x, 2) > 1 && dim(x, 3) > 1)
            x = max_pool(x, (struct pooling){ { 2, 2 }, { 2, 2 }, { 0, 0 } });
    }
    return global_average_pool(x);
}

/* He et al. 2016 (arXiv:1512.03385); the bottleneck has its stride in the 3x3, as torchvision. */
static val residual_block(net n, val x, int64_t width, int stride, bool bottleneck)
{
    int64_t out = bottleneck ? 4 * width : width;
    val y, shortcut = x;
    if (bottleneck) {
        y = relu(batch_norm(n, "bn1", convolution(n, "conv1", x, width, 1, 1, 0)));
        y = relu(batch_norm(n, "bn2", convolution(n, "conv2", y, width, 3, stride, 1)));
        y = batch_norm(n, "bn3", convolution(n, "conv3", y, out, 1, 1, 0));
    } else {
        y = relu(batch_norm(n, "bn1", convolution(n, "conv1", x, width, 3, stride, 1)));
        y = batch_norm(n, "bn2", convolution(n, "conv2", y, out, 3, 1, 1));
    }
    if (stride != 1 || dim(x, 1) != out)
        shortcut =
            batch_norm(n, "downsample.1", convolution(n, "downsample.0", x, out, 1, stride, 0));
    return relu(add(y, shortcut));
}

static val encode_residual(net n, const struct network_type *type,
                           const struct network_options *options, val x)
{
    int64_t width = channels(options, 64);
    bool small = small_stem(options, x);
    x = small ? convolution(n, "conv1", x, width, 3, 1, 1)
              : convolution(n, "conv1", x, width, 7, 2, 3);
    x = relu(batch_norm(n, "bn1", x));
    if (!small)
        x = max_pool(x, (struct pooling){ { 3, 3 }, { 2, 2 }, { 1, 1 } });
    for (int stage = 0; stage < 4; stage++)
        for (int block = 0; block < type->blocks[stage]; block++)
            x = residual_block(part(n, "layer%d.%d", stage + 1, block), x, width << stage,
                               stage > 0 && block == 0 ? 2 : 1, type->bottleneck);
    return global_average_pool(x);
}

static val encode_mlp(net n, const struct network_type *type, const struct network_options *options,
                      val x)
{
    (void)type;
    val flat = reshape(x, SHAPE(rows(x), shape_size(shape_of(x)) / (rows(x) ? rows(x) : 1)));
    for (int i = 0; i < 2; i++) {
        char fc[16], bn[16];
        snprintf(fc, sizeof fc, "fc%d", i + 1);
        snprintf(bn, sizeof bn, "bn%d", i + 1);
        flat = relu(batch_norm(n, bn, linear_without_bias(n, fc, flat, channels(options, 512))));
    }
    return flat;
}

static const struct network_type conv4 = {
    .name = "conv4",
    .doc = "Four 3x3 convolutions of 32, 64, 128, 256 channels; 388,896 parameters",
    .source = "few-shot learning's standard small network",
    .encode = encode_conv4,
};
static const struct network_type resnet18 = {
    .name = "resnet18",
    .doc = "Residual network of 18 layers; 11.2 million parameters",
    .source = "arXiv:1512.03385",
    .encode = encode_residual,
    .blocks = { 2, 2, 2, 2 },
};
static const struct network_type resnet34 = {
    .name = "resnet34",
    .doc = "Residual network of 34 layers; 21.3 million parameters",
    .source = "arXiv:1512.03385",
    .encode = encode_residual,
    .blocks = { 3, 4, 6, 3 },
};
static const struct network_type resnet50 = {
    .name = "resnet50",
    .doc = "Residual network of 50 layers; 23.5 million parameters",
    .source = "arXiv:1512.03385",
    .encode = encode_residual,
    .blocks = { 3, 4, 6, 3 },
    .bottleneck = true,
};
static const struct network_type mlp = {
    .name = "mlp",
    .doc = "Two layers of 512 units with batch normalisation",
    .source = "multilayer perceptron",
    .encode = encode_mlp,
};

#define X(row) extern const struct network_type network_##row;
#include "nn/text_networks.def"
#undef X

#define X(row) &network_##row,
const struct network_type *const all_networks[] = { &conv4, &resnet18, &resnet34, &resnet50, &mlp,
#include "nn/text_networks.def"
                                                    NULL };
#undef X

const struct network_type *network_find(const char *name)
{
    for (int i = 0; all_networks[i]; i++)
        if (strcmp(all_networks[i]->name, name) == 0)
            return all_networks[i];
    return NULL;
}
