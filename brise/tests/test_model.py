"""The network against transformers' Ministral3ForCausalLM, and the cached sampler against the plain forward pass."""

import json

import torch

from brise.model import SHAPES, Brise
from brise.sample import greedy


def _random(shape="toy"):
    torch.manual_seed(3)
    model = Brise(SHAPES[shape]).eval()
    for name, weight in model.named_parameters():
        if weight.dim() == 1:
            weight.data.uniform_(0.5, 1.5)
    return model


def _logits(model, rows):
    ids = torch.tensor(rows)
    positions = torch.arange(ids.shape[1]).repeat(len(rows))
    return model.logits(model(ids.flatten(), positions, [tuple(ids.shape)])).view(*ids.shape, -1)


def test_logits_equal_transformers(tmp_path):
    from transformers import Ministral3Config, Ministral3ForCausalLM

    for name in SHAPES:
        model = _random(name)
        config = {k: v for k, v in model.shape.hugging_face().items() if k not in ("architectures", "model_type")}
        theirs = Ministral3ForCausalLM(Ministral3Config(**config)).eval()
        missing, unexpected = theirs.load_state_dict(model.state_dict(), strict=False)
        assert not unexpected and set(missing) <= {"lm_head.weight"}
        theirs.tie_weights()
        rows = torch.randint(0, model.shape.vocab_size, (2, 70)).tolist()
        with torch.no_grad():
            ours, reference = _logits(model, rows), theirs(torch.tensor(rows)).logits
        assert (ours - reference).norm() / reference.norm() < 1e-5
        json.dumps(model.shape.hugging_face())


def test_cached_sampler_equals_plain_forward():
    model = _random()
    prompts = [torch.randint(70, 8000, (n,)).tolist() for n in (3, 17, 9)]
    answers = greedy(model, prompts, 12, eos=2)
    for prompt, answer in zip(prompts, answers):
        ids = list(prompt)
        for token in answer:
            with torch.no_grad():
                assert int(_logits(model, [ids])[0, -1].argmax()) == token
            ids.append(token)


def test_documents_do_not_see_each_other():
    model = _random()
    a, b = torch.randint(70, 8000, (2, 9))
    with torch.no_grad():
        both = model(torch.cat((a, b)), torch.arange(9).repeat(2), [(1, 9), (1, 9)])
        alone = model(b, torch.arange(9), [(1, 9)])
    assert torch.allclose(both[9:], alone, atol=1e-5)
