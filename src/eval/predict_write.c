#include "eval/predict.h"
#include "eval/sink.h"
#include "io/json.h"

#include <math.h>
#include <string.h>

static void table_head(const struct predictions *p, struct text *text, char separator)
{
    bool labels = p->classes ? p->truth != NULL : p->target != NULL;
    text_append(text, "file%cprediction", separator);
    if (labels)
        text_append(text, "%clabel", separator);
    for (int32_t c = 0; c < p->classes; c++) {
        text_append(text, "%c", separator);
        cell_append(text, p->class_name[c], separator);
    }
    text_append(text, "\n");
}

static void class_cells(const struct predictions *p, size_t row, struct text *text, char separator)
{
    cell_append(text, p->class_name[p->best[row]], separator);
    if (p->truth) {
        int32_t truth = p->source->sample[p->kept[row]].label;
        text_append(text, "%c", separator);
        cell_append(text, truth < 0 ? "" : p->source->class_name[truth], separator);
    }
    for (int32_t c = 0; c < p->classes; c++)
        text_append(text, "%c%.6g", separator, (double)p->value[row * (size_t)p->classes + c]);
}

static void number_cells(const struct predictions *p, size_t row, struct text *text, char separator)
{
    text_append(text, "%.6g", (double)p->value[row]);
    if (!p->target)
        return;
    text_append(text, "%c", separator);
    if (isfinite(p->target[p->kept[row]]))
        text_append_real(text, p->target[p->kept[row]]);
}

static void table_row(const struct predictions *p, size_t row, struct text *text, char separator)
{
    char name[SAMPLE_NAME_BYTES];
    cell_append(text, source_name(p->source, p->kept[row], name), separator);
    text_append(text, "%c", separator);
    (p->classes ? class_cells : number_cells)(p, row, text, separator);
    text_append(text, "\n");
}

static void csv_head(const struct predictions *p, struct text *text)
{
    table_head(p, text, ',');
}

static void csv_row(const struct predictions *p, size_t row, struct text *text)
{
    table_row(p, row, text, ',');
}

static void tsv_head(const struct predictions *p, struct text *text)
{
    table_head(p, text, '\t');
}

static void tsv_row(const struct predictions *p, size_t row, struct text *text)
{
    table_row(p, row, text, '\t');
}

static void json_classes(const struct predictions *p, size_t row, struct json_writer *json)
{
    json_write_key(json, "prediction");
    json_write_text(json, p->class_name[p->best[row]]);
    if (p->truth) {
        int32_t truth = p->source->sample[p->kept[row]].label;
        json_write_key(json, "label");
        if (truth < 0)
            json_write_real(json, NAN);
        else
            json_write_text(json, p->source->class_name[truth]);
    }
    json_write_key(json, "probabilities");
    json_write_object(json);
    for (int32_t c = 0; c < p->classes; c++) {
        json_write_key(json, p->class_name[c]);
        json_write_real(json, (double)p->value[row * (size_t)p->classes + c]);
    }
    json_write_end(json);
}

static void json_row(const struct predictions *p, size_t row, struct text *text)
{
    struct json_writer json = { .text = text };
    char name[SAMPLE_NAME_BYTES];
    json_write_object(&json);
    json_write_key(&json, "file");
    json_write_text(&json, source_name(p->source, p->kept[row], name));
    if (p->classes) {
        json_classes(p, row, &json);
    } else {
        json_write_key(&json, "prediction");
        json_write_real(&json, (double)p->value[row]);
        if (p->target) {
            json_write_key(&json, "label");
            json_write_real(&json, p->target[p->kept[row]]);
        }
    }
    json_write_end(&json);
    text_append(text, "\n");
}

static const struct prediction_form forms[] = {
    { ".csv", csv_head, csv_row },
    { ".tsv", tsv_head, tsv_row },
    { ".jsonl", NULL, json_row },
};

const struct prediction_form *prediction_form(const char *out, bool json)
{
    enum { FORMS = sizeof forms / sizeof *forms };
    if (strcmp(out, "-") == 0)
        return &forms[json ? FORMS - 1 : 0];
    for (int i = 0; i < FORMS; i++)
        if (file_ends(out, forms[i].ending))
            return &forms[i];
    return NULL;
}

static status rows_write(const struct predictions *p, const struct prediction_form *form,
                         struct sink *sink)
{
    struct text text = { 0 };
    status result = TACIT_OK;
    if (form->head)
        form->head(p, &text);
    for (size_t row = 0; row < p->count && result == TACIT_OK; row++) {
        form->row(p, row, &text);
        result = sink_flow(sink, &text);
    }
    if (result == TACIT_OK)
        result = sink_append(sink, &text);
    text_free(&text);
    return result;
}

status predictions_write(const struct predictions *p, const struct prediction_form *form,
                         const char *out)
{
    struct sink sink;
    TRY(sink_open(out, &sink));
    return sink_close(&sink, rows_write(p, form, &sink));
}
