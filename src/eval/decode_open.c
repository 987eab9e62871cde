#include "eval/decode_open.h"

status decoder_open(const struct model_file *model, const struct decoder_options *how,
                    struct decoder **decoder)
{
    const struct method *method = &model->method;
    struct store *store = store_new(0);
    *decoder = NULL;
    status result =
        store ? decoder_declare(method->network, &method->network_options, store) : TACIT_RESOURCES;
    if (result == TACIT_OK)
        result = model_file_values(model, store);
    if (result == TACIT_OK)
        result = decoder_new(method->network, &method->network_options,
                             store_range(store, "backbone"), how, decoder);
    store_free(store);
    return result;
}
