"""What the comparisons share: running tacit, tiny models of transformers, counting failures."""
import os
import shutil
import subprocess
import sys
import tempfile
import warnings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"
warnings.filterwarnings("ignore")
import numpy
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers, decoders, processors

TACIT, LOGITS = sys.argv[1:3]
failures = 0
CORPUS = open(os.__file__).read()[:20000]
transformers.utils.logging.disable_progress_bar()
torch.manual_seed(0)
torch.set_num_threads(2)


def check(what, difference, limit=1e-5):
    global failures
    good = difference <= limit
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what}: largest difference {difference:.2e}, allowed {limit:.0e}", flush=True)


def claim(what, good, note=""):
    global failures
    failures += not good
    print(f"{'ok  ' if good else 'FAIL'} {what} {note}", flush=True)


def tacit(*words):
    return subprocess.run([TACIT, *words], capture_output=True, text=True)


def ours(folder, what, ids, mask, width):
    data = ids.astype(numpy.int32).tobytes() + mask.astype(numpy.int32).tobytes()
    done = subprocess.run([LOGITS, folder, what, *map(str, ids.shape)], input=data, capture_output=True)
    if done.returncode:
        raise SystemExit(f"FAIL {folder}: {done.stderr.decode()}")
    return numpy.frombuffer(done.stdout, numpy.float32).reshape(*(ids.shape if what != "pooled" else ids.shape[:1]), width)


def batch(vocabulary, texts=3, tokens=11, first=5, pad=0, padded=True):
    ids = numpy.random.default_rng(1).integers(first, vocabulary, (texts, tokens))
    mask = numpy.ones_like(ids)
    if padded:
        mask[1, 7:] = 0
        ids[1, 7:] = pad
    return ids, mask


@torch.no_grad()
def theirs(model, ids, mask, field="logits"):
    out = model.eval()(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask))
    out = out.prediction_logits if field == "logits" and hasattr(out, "prediction_logits") else getattr(out, field)
    return out.float().numpy()


def difference(a, b, mask=None):
    d = numpy.abs(a - b)
    return float(d[mask.astype(bool)].max() if mask is not None else d.max())


def byte_tokenizer(folder, vocabulary, roberta):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"] if roberta else ["<|endoftext|>"]
    trainer = trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    t.train_from_iterator([CORPUS], trainer)
    if roberta:
        t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
        names = dict(bos_token="<s>", cls_token="<s>", eos_token="</s>", sep_token="</s>", unk_token="<unk>", pad_token="<pad>", mask_token="<mask>")
    else:
        names = dict(bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    transformers.PreTrainedTokenizerFast(tokenizer_object=t, **names).save_pretrained(folder)


def word_tokenizer(folder, vocabulary):
    from tokenizers import BertWordPieceTokenizer
    t = BertWordPieceTokenizer()
    t.train_from_iterator([CORPUS], vocab_size=vocabulary, show_progress=False)
    t.post_processor = processors.BertProcessing(("[SEP]", t.token_to_id("[SEP]")), ("[CLS]", t.token_to_id("[CLS]")))
    t.save(os.path.join(folder, "tokenizer.json"))


def shaken(model):
    """Nothing at its start value, so that a tensor that is left out shows."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def run_parts(parts):
    """Runs those that the command line names, or all, each in one folder that goes away."""
    work = tempfile.mkdtemp(prefix="tacit-peers-")
    try:
        for part in parts:
            if part.__name__ in (sys.argv[3:] or [p.__name__ for p in parts]):
                part(work)
    finally:
        shutil.rmtree(work)
    print(f"{failures} failed" if failures else "all as in transformers", transformers.__version__)
    sys.exit(failures > 0)
