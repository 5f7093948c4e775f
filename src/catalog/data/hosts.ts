// Written by scripts/catalog.ts from the models.dev listing of 2026-07-02 (MIT). Do not edit: corrections go to
// checked.ts. Columns: see ../facts.ts.
export const HOSTS: Readonly<Record<string, string>> = {
  cerebras: `
zai-glm-4.7 131072 40960 yn?yyy? 2026-01-07 2.25/2.75/-/-
`,
  deepinfra: `
MiniMaxAI/MiniMax-M2.5 196608 131072 yn?y?y? 2026-02-12 0.15/1.15/0.03/0.375
Qwen/Qwen3-Coder-480B-A35B-Instruct-Turbo 262144 66536 yn?n?y? 2025-07-23 0.3/1/-/-
Qwen/Qwen3.5-35B-A3B 262144 81920 yy?y?y? 2026-02-01 0.14/1/0.05/-
Qwen/Qwen3.5-397B-A17B 262144 81920 yy?y?y? 2026-02-01 0.45/3/0.22/-
Qwen/Qwen3.6-35B-A3B 262144 81920 yy?y?y? 2026-04-01 0.15/0.95/-/-
XiaomiMiMo/MiMo-V2.5 262144 16384 ??????? - 0.4/2/0.08/-
deepseek-ai/DeepSeek-R1-0528 163840 64000 yn?y?y? 2025-05-28 0.5/2.15/0.35/-
deepseek-ai/DeepSeek-V3.2 163840 64000 yn?y?y? 2025-12-02 0.26/0.38/0.13/-
deepseek-ai/DeepSeek-V4-Flash 1048576 16384 ??????? - 0.1/0.2/0.02/-
deepseek-ai/DeepSeek-V4-Pro 1048576 16384 ??????? - 1.3/2.6/0.1/-
meta-llama/Llama-3.3-70B-Instruct-Turbo 131072 16384 yn?n??? 2024-12-06 0.1/0.32/-/-
meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8 1048576 16384 ny?n??? 2025-04-05 0.15/0.6/-/-
meta-llama/Llama-4-Scout-17B-16E-Instruct 327680 16384 yy?n??? 2025-04-05 0.1/0.3/-/-
moonshotai/Kimi-K2.5 262144 32768 yy?yyy? 2026-01-27 0.45/2.25/0.07/-
moonshotai/Kimi-K2.6 262144 16384 yy?yyy? 2026-04-21 0.75/3.5/0.15/-
openai/gpt-oss-120b 131072 16384 yn?y?y? 2025-08-05 0.039/0.19/-/-
openai/gpt-oss-20b 131072 16384 yn?y?y? 2025-08-05 0.03/0.14/-/-
zai-org/GLM-4.6 202752 131072 yn?y?y? 2025-09-30 0.43/1.74/0.08/-
zai-org/GLM-4.7 202752 16384 yn?y?y? 2025-12-22 0.4/1.75/0.08/-
zai-org/GLM-4.7-Flash 202752 16384 yn?y?y? 2026-01-19 0.06/0.4/-/-
zai-org/GLM-5 202752 16384 yn?y?y? 2026-02-12 0.6/2.08/0.12/-
zai-org/GLM-5.1 202752 16384 yn?yyy? 2026-04-07 1.05/3.5/0.205/-
zai-org/GLM-5.2 1048576 32768 ??????? - 0.95/3/0.18/-
`,
  fireworks: `
accounts/fireworks/models/glm-5p1 202800 131072 yn?y?y? 2026-04-01 1.4/4.4/0.26/-
accounts/fireworks/models/glm-5p2 1048575 131072 yn?y?y? 2026-06-16 1.4/4.4/0.26/-
accounts/fireworks/models/gpt-oss-120b 131072 32768 yn?y?y? 2025-08-05 0.15/0.6/0.015/-
accounts/fireworks/models/gpt-oss-20b 131072 32768 yn?y?y? 2025-08-05 0.07/0.3/0.035/-
accounts/fireworks/models/kimi-k2p6 262000 262000 yy?y?y? 2026-04-17 0.95/4/0.16/-
accounts/fireworks/models/kimi-k2p7-code 262000 262000 yy?y?y? 2026-06-12 0.95/4/0.19/-
accounts/fireworks/models/minimax-m2p7 196608 196608 yn?y?y? 2026-04-12 0.3/1.2/0.06/-
accounts/fireworks/models/minimax-m3 512000 512000 yn?y?y? 2026-06-12 0.3/1.2/0.06/-
accounts/fireworks/models/qwen3p7-plus 262144 65536 yy?y?y? 2026-06-12 0.4/1.6/0.08/-
accounts/fireworks/routers/glm-5p1-fast 202800 131072 yn?y?y? 2026-04-01 2.8/8.8/0.52/-
accounts/fireworks/routers/glm-5p2-fast 1048575 131072 yn?y?y? 2026-06-26 2.1/6.6/0.21/-
accounts/fireworks/routers/kimi-k2p6-fast 262000 262000 yy?y?y? 2026-04-17 2/8/0.3/-
accounts/fireworks/routers/kimi-k2p6-turbo 262000 262000 yy?y?y? 2026-04-17 2/8/0.3/-
accounts/fireworks/routers/kimi-k2p7-code-fast 262000 262000 yy?y?y? 2026-06-12 1.9/8/0.38/-
`,
  'github-models': `
ai21-labs/ai21-jamba-1.5-large 256000 4096 yn?y?y? 2024-08-29 -
ai21-labs/ai21-jamba-1.5-mini 256000 4096 yn?y?y? 2024-08-29 -
cohere/cohere-command-a 128000 4096 yn?y?y? 2024-11-01 -
cohere/cohere-command-r 128000 4096 yn?y?y? 2024-03-11 -
cohere/cohere-command-r-08-2024 128000 4096 yn?n?y? 2024-08-01 -
cohere/cohere-command-r-plus 128000 4096 yn?n?y? 2024-04-04 -
cohere/cohere-command-r-plus-08-2024 128000 4096 yn?n?y? 2024-08-01 -
core42/jais-30b-chat 8192 2048 yn?y?y? 2023-08-30 -
deepseek/deepseek-r1 65536 8192 yn?y?y? 2025-01-20 -
deepseek/deepseek-r1-0528 65536 8192 yn?y?y? 2025-05-28 -
deepseek/deepseek-v3-0324 128000 8192 yn?y?y? 2025-03-24 -
meta/llama-3.2-11b-vision-instruct 128000 8192 yy?y?y? 2024-09-25 -
meta/llama-3.2-90b-vision-instruct 128000 8192 yy?y?y? 2024-09-25 -
meta/llama-3.3-70b-instruct 128000 32768 yn?y?y? 2024-12-06 -
meta/llama-4-maverick-17b-128e-instruct-fp8 128000 8192 yy?y?y? 2025-01-31 -
meta/llama-4-scout-17b-16e-instruct 128000 8192 yy?y?y? 2025-01-31 -
meta/meta-llama-3-70b-instruct 8192 2048 yn?y?y? 2024-04-18 -
meta/meta-llama-3-8b-instruct 8192 2048 yn?y?y? 2024-04-18 -
meta/meta-llama-3.1-405b-instruct 128000 32768 yn?y?y? 2024-07-23 -
meta/meta-llama-3.1-70b-instruct 128000 32768 yn?y?y? 2024-07-23 -
meta/meta-llama-3.1-8b-instruct 128000 32768 yn?y?y? 2024-07-23 -
microsoft/mai-ds-r1 65536 8192 yn?y?y? 2025-01-20 -
microsoft/phi-3-medium-128k-instruct 128000 4096 yn?y?y? 2024-04-23 -
microsoft/phi-3-medium-4k-instruct 4096 1024 yn?y?y? 2024-04-23 -
microsoft/phi-3-mini-128k-instruct 128000 4096 yn?y?y? 2024-04-23 -
microsoft/phi-3-mini-4k-instruct 4096 1024 yn?y?y? 2024-04-23 -
microsoft/phi-3-small-128k-instruct 128000 4096 yn?y?y? 2024-04-23 -
microsoft/phi-3-small-8k-instruct 8192 2048 yn?y?y? 2024-04-23 -
microsoft/phi-3.5-mini-instruct 128000 4096 yn?y?y? 2024-08-20 -
microsoft/phi-3.5-moe-instruct 128000 4096 yn?y?y? 2024-08-20 -
microsoft/phi-3.5-vision-instruct 128000 4096 yy?y?y? 2024-08-20 -
microsoft/phi-4 16000 4096 yn?y?y? 2024-12-11 -
microsoft/phi-4-mini-instruct 128000 4096 yn?y?y? 2024-12-11 -
microsoft/phi-4-mini-reasoning 128000 4096 yn?y?y? 2024-12-11 -
microsoft/phi-4-multimodal-instruct 128000 4096 yy?y?y? 2024-12-11 -
microsoft/phi-4-reasoning 128000 4096 yn?y?y? 2024-12-11 -
mistral-ai/codestral-2501 32000 8192 yn?y?y? 2025-01-01 -
mistral-ai/ministral-3b 128000 8192 yn?y?y? 2024-10-22 -
mistral-ai/mistral-large-2411 128000 32768 yn?y?y? 2024-11-01 -
mistral-ai/mistral-medium-2505 128000 32768 yy?y?y? 2025-05-01 -
mistral-ai/mistral-nemo 128000 8192 yn?y?y? 2024-07-18 -
mistral-ai/mistral-small-2503 128000 32768 yy?y?y? 2025-03-01 -
openai/gpt-4.1 128000 16384 yy?n?y? 2025-04-14 -
openai/gpt-4.1-mini 128000 16384 yy?n?y? 2025-04-14 -
openai/gpt-4.1-nano 128000 16384 yy?n?y? 2025-04-14 -
openai/gpt-4o 128000 16384 yy?n?y? 2024-05-13 -
openai/gpt-4o-mini 128000 16384 yy?n?y? 2024-07-18 -
openai/o1 200000 100000 ny?y?n? 2024-09-12 -
openai/o1-mini 128000 65536 nn?y?n? 2024-09-12 -
openai/o1-preview 128000 32768 nn?y?n? 2024-09-12 -
openai/o3 200000 100000 ny?y?n? 2025-01-31 -
openai/o3-mini 200000 100000 nn?y?n? 2025-01-31 -
openai/o4-mini 200000 100000 ny?y?n? 2025-01-31 -
xai/grok-3 128000 8192 yn?y?y? 2024-12-09 -
xai/grok-3-mini 128000 8192 yn?y?y? 2024-12-09 -
`,
  groq: `
groq/compound 131072 8192 nn?n?y? 2025-09-04 -
groq/compound-mini 131072 8192 nn?n?y? 2025-09-04 -
llama-3.1-8b-instant 131072 131072 yn?n?y? 2024-07-23 0.05/0.08/-/-
llama-3.3-70b-versatile 131072 32768 yn?n?y? 2024-12-06 0.59/0.79/-/-
meta-llama/llama-4-scout-17b-16e-instruct 131072 8192 yy?nyy? 2025-04-05 0.11/0.34/-/-
meta-llama/llama-prompt-guard-2-22m 512 512 nn?n?n? 2025-05-29 0.03/0.03/-/-
meta-llama/llama-prompt-guard-2-86m 512 512 nn?n?n? 2025-05-29 0.04/0.04/-/-
openai/gpt-oss-20b 131072 65536 yn?yyy? 2025-08-05 0.075/0.3/0.0375/-
openai/gpt-oss-safeguard-20b 131072 65536 yn?yyy? 2025-10-29 0.075/0.3/-/-
qwen/qwen3-32b 131072 40960 yn?y?y? 2025-06-11 0.29/0.59/-/-
whisper-large-v3 - - nn?n?y? 2023-09-01 -
whisper-large-v3-turbo - - nn?n?y? 2024-10-01 -
`,
  huggingface: `
MiniMaxAI/MiniMax-M2 204800 - ??????? - 0.3/1.2/-/-
MiniMaxAI/MiniMax-M2.1 204800 131072 yn?y?y? 2025-12-23 0.3/1.2/-/-
MiniMaxAI/MiniMax-M2.5 204800 131072 yn?y?y? 2026-02-12 0.3/1.2/0.03/-
MiniMaxAI/MiniMax-M2.7 204800 131072 yn?yyy? 2026-03-18 0.3/1.2/0.06/-
MiniMaxAI/MiniMax-M3 524288 - ?y??y?? - 0.3/1.2/-/-
Qwen/Qwen3-235B-A22B 40960 - ????y?? - 0.2/0.8/-/-
Qwen/Qwen3-235B-A22B-Thinking-2507 262144 131072 yn?y?y? 2025-07-25 0.3/3/-/-
Qwen/Qwen3-Coder-480B-A35B-Instruct 262144 66536 yn?n?y? 2025-07-23 2/2/-/-
Qwen/Qwen3-Coder-Next 262144 65536 yn?n?y? 2026-02-03 0.2/1.5/-/-
Qwen/Qwen3-Embedding-4B 32000 2048 nn?n?n? 2025-01-01 -
Qwen/Qwen3-Embedding-8B 32000 4096 nn?n?n? 2025-01-01 -
Qwen/Qwen3-Next-80B-A3B-Instruct 262144 66536 yn?n?y? 2025-09-11 0.25/1/-/-
Qwen/Qwen3-Next-80B-A3B-Thinking 262144 131072 yn?n?y? 2025-09-11 0.3/2/-/-
Qwen/Qwen3.5-397B-A17B 262144 32768 yy?y?y? 2026-02-01 0.6/3.6/-/-
XiaomiMiMo/MiMo-V2-Flash 262144 4096 yn?y?y? 2025-12-16 0.1/0.3/-/-
deepseek-ai/DeepSeek-R1 64000 - ????y?? - 0.7/2.5/-/-
deepseek-ai/DeepSeek-R1-0528 163840 163840 yn?y?y? 2025-05-28 3/5/-/-
deepseek-ai/DeepSeek-V3.2 163840 65536 yn?y?y? 2025-12-01 0.28/0.4/-/-
deepseek-ai/DeepSeek-V4-Flash 1048576 - ??????? - 0.14/0.28/-/-
deepseek-ai/DeepSeek-V4-Pro 1048576 393216 ??????? - 0.435/0.87/0.003625/-
meta-llama/Llama-3.3-70B-Instruct 131072 - ????y?? - 0.59/0.79/-/-
moonshotai/Kimi-K2-Instruct 131072 16384 yn?n?y? 2025-07-14 1/3/-/-
moonshotai/Kimi-K2-Instruct-0905 262144 16384 yn?n?y? 2025-09-04 1/3/-/-
moonshotai/Kimi-K2-Thinking 262144 262144 yn?y?y? 2025-11-06 0.6/2.5/0.15/-
moonshotai/Kimi-K2.5 262144 262144 yy?y?y? 2026-01-01 0.6/3/0.1/-
moonshotai/Kimi-K2.6 262144 262144 yy?y?y? 2026-04-20 0.95/4/0.16/-
stepfun-ai/Step-3.5-Flash 262144 - ??????? - 0.1/0.3/-/-
stepfun-ai/Step-3.7-Flash 262144 - ??????? - 0.2/1.15/-/-
zai-org/GLM-4.5V 65536 - ?y????? - 0.6/1.8/-/-
zai-org/GLM-4.7 204800 131072 yn?y?y? 2025-12-22 0.6/2.2/0.11/-
zai-org/GLM-4.7-Flash 200000 128000 yn?y?y? 2025-08-08 -
zai-org/GLM-5 202752 131072 yn?y?y? 2026-02-11 1/3.2/0.2/-
zai-org/GLM-5.1 202752 131072 yn?y?y? 2026-04-03 1/3.2/0.2/-
zai-org/GLM-5.2 262144 - ??????? - 1.4/4.4/-/-
`,
  nvidia: `
abacusai/dracarys-llama-3_1-70b-instruct 128000 8192 yn?n?y? 2024-09-11 -
baai/bge-m3 8192 1024 nn?n?n? 2024-01-30 -
bytedance/seed-oss-36b-instruct 262000 262000 yn?nyy? 2025-09-04 -
deepseek-ai/deepseek-v4-flash 1048576 393216 ??????? - 0.14/0.28/0.0028/-
deepseek-ai/deepseek-v4-pro 1048576 393216 ??????? - 0.435/0.87/0.003625/-
google/gemma-2-2b-it 128000 4096 yn?nyy? 2024-07-16 -
google/gemma-3n-e2b-it 128000 4096 yy?nyy? 2025-06-12 -
google/gemma-3n-e4b-it 128000 4096 yy?nyy? 2025-06-03 -
google/gemma-4-31b-it 256000 16384 yy?y?y? 2026-04-02 -
google/google-paligemma 128000 8192 ny?n?y? 2024-05-14 -
meta/esm2-650m 128000 8192 nn?n?y? 2024-08-29 -
meta/esmfold 128000 8192 nn?n?y? 2024-03-15 -
meta/llama-3.1-70b-instruct 128000 4096 yn?nyy? 2024-07-16 -
meta/llama-3.1-8b-instruct 16000 4096 yn?n?y? 2025-01-01 -
meta/llama-3.2-11b-vision-instruct 128000 4096 yy?nyy? 2024-09-18 -
meta/llama-3.2-1b-instruct 128000 4096 yn?nyy? 2024-09-18 -
meta/llama-3.2-3b-instruct 32768 32000 nn?nyy? 2024-09-18 -
meta/llama-3.2-90b-vision-instruct 128000 8192 yy?n?y? 2024-09-25 -
meta/llama-3.3-70b-instruct 128000 4096 yn?nyy? 2024-11-26 -
meta/llama-4-maverick-17b-128e-instruct 128000 4096 yy?nyy? 2025-04-01 -
meta/llama-guard-4-12b 128000 16384 ny?n?y? 2025-04-05 -
microsoft/phi-4-mini-instruct 131072 8192 yn?n?y? 2024-12-01 -
microsoft/phi-4-multimodal-instruct 128000 16384 nn?nn?? 2025-07-26 -
minimaxai/minimax-m2.7 204800 131072 yn?y?y? 2026-03-18 -
minimaxai/minimax-m3 1000000 16384 ??????? - -
mistralai/magistral-small-2506 32768 32768 nn?nn?? 2025-09-25 -
mistralai/mistral-7b-instruct-v03 65536 65536 yn?nyy? 2025-04-01 -
mistralai/mistral-large-3-675b-instruct-2512 262144 262144 yy?nyy? 2025-12-02 -
mistralai/mistral-medium-3-instruct 131072 32768 ny?nn?? 2025-09-25 -
mistralai/mistral-nemotron 128000 8192 yn?n?y? 2025-06-11 -
mistralai/mistral-small-4-119b-2603 128000 8192 yy?yyy? 2026-03-16 -
mistralai/mixtral-8x22b-instruct 65536 13108 yn?n?y? 2024-04-17 -
mistralai/mixtral-8x7b-instruct 32768 16384 yn?n?y? 2023-12-10 -
moonshotai/kimi-k2-instruct-0905 262144 262144 yn?n?y? 2025-09-05 -
moonshotai/kimi-k2.6 262144 262144 yy?yyy? 2026-04-21 -
nvidia/active-speaker-detection - 4096 nn?n?n? 2026-04-16 -
nvidia/bevformer 128000 8192 nn?n?y? 2025-03-18 -
nvidia/gliner-pii 128000 4096 nn?n?y? 2026-03-03 -
nvidia/llama-3_1-nemotron-safety-guard-8b-v3 128000 4096 nn?n?n? 2025-10-28 -
nvidia/llama-3_2-nemoretriever-300m-embed-v1 32768 2048 nn?n?n? 2025-07-24 -
nvidia/llama-nemotron-embed-vl-1b-v2 32768 2048 ny?n?n? 2026-02-10 -
nvidia/llama-nemotron-rerank-vl-1b-v2 128000 4096 ny?n?n? 2026-03-31 -
nvidia/nemotron-3-content-safety 128000 4096 nn?n?n? 2026-04-16 -
nvidia/nemotron-3-nano-30b-a3b 131072 131072 yn?y?y? 2024-12 -
nvidia/nemotron-3-nano-omni-30b-a3b-reasoning 256000 65536 yy?yyy? 2026-04-28 -
nvidia/nemotron-3-super-120b-a12b 262144 262144 yn?y?y? 2026-03-11 0.2/0.8/-/-
nvidia/nemotron-3-ultra-550b-a55b 1000000 65536 ????y?? - 0.5/2.5/0.15/-
nvidia/nemotron-content-safety-reasoning-4b 128000 4096 nn?y?n? 2026-01-22 -
nvidia/nemotron-mini-4b-instruct 128000 8192 yn?n?y? 2024-08-21 -
nvidia/nemotron-voicechat 128000 8192 yn?n?y? 2026-03-16 -
nvidia/nv-embed-v1 32768 2048 nn?n?n? 2024-06-07 -
nvidia/nv-embedcode-7b-v1 32768 2048 nn?n?n? 2025-03-17 -
nvidia/nvidia-nemotron-nano-9b-v2 131072 131072 yn?y?y? 2025-08-18 -
nvidia/rerank-qa-mistral-4b 128000 4096 nn?n?n? 2024-03-17 -
nvidia/riva-translate-4b-instruct-v1_1 128000 4096 nn?n?n? 2025-12-12 -
nvidia/sparsedrive 128000 8192 nn?n?y? 2025-03-18 -
nvidia/streampetr 128000 8192 nn?n?y? 2025-11-13 -
nvidia/studiovoice 128000 8192 nn?n?y? 2024-10-03 -
nvidia/synthetic-video-detector - 4096 nn?n?y? 2026-04-16 -
nvidia/usdcode 128000 4096 nn?n?y? 2026-01-01 -
nvidia/usdvalidate - 4096 nn?n?n? 2024-07-24 -
openai/gpt-oss-120b 128000 8192 ??????? 2025-08-04 -
openai/gpt-oss-20b 131072 32768 yn?yyy? 2025-08-05 -
openai/whisper-large-v3 - 4096 nn?n?n? 2023-09-01 -
qwen/qwen2.5-coder-32b-instruct 128000 4096 yn?nyy? 2024-11-06 -
qwen/qwen3-coder-480b-a35b-instruct 262144 66536 yn?n?y? 2025-07-23 -
qwen/qwen3-next-80b-a3b-instruct 262144 16384 yn?n?y? 2024-12-01 -
qwen/qwen3.5-122b-a10b 262144 65536 yy?yyy? 2026-02-23 -
qwen/qwen3.5-397b-a17b 262144 8192 yy?yyy? 2026-02-16 -
sarvamai/sarvam-m 128000 8192 yn?n?y? 2025-07-25 -
stepfun-ai/step-3.5-flash 256000 16384 yn?y?y? 2026-02-02 -
stepfun-ai/step-3.7-flash 256000 16384 yy?y?y? 2026-05-28 -
upstage/solar-10_7b-instruct 128000 8192 yn?n?y? 2024-06-05 -
z-ai/glm-5.1 131072 131072 yn?yyy? 2026-03-27 -
`,
  together: `
LiquidAI/LFM2-24B-A2B 32768 32768 nn?n?y? 2026-02-25 0.03/0.12/-/-
MiniMaxAI/MiniMax-M2.5 204800 131072 yn?y?y? 2026-02-12 0.3/1.2/0.06/- retired
MiniMaxAI/MiniMax-M2.7 202752 131072 yn?yyy? 2026-03-18 0.3/1.2/0.06/-
MiniMaxAI/MiniMax-M3 524288 250000 yy?yyy? 2026-06-12 0.3/1.2/0.06/-
Qwen/Qwen2.5-7B-Instruct-Turbo 32768 32768 yn?nyy? 2024-09-19 0.3/0.3/-/-
Qwen/Qwen3-235B-A22B-Instruct-2507-tput 262144 262144 yn?n?y? 2025-07-25 0.2/0.6/-/-
Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8 262144 262144 yn?n?y? 2025-07-23 2/2/-/- retired
Qwen/Qwen3-Coder-Next-FP8 262144 262144 yn?n?y? 2026-02-03 0.5/1.2/-/- retired
Qwen/Qwen3.5-397B-A17B 262144 130000 yy?y?y? 2026-02-16 0.6/3.6/-/-
Qwen/Qwen3.5-9B 262144 65536 yy?yyy? 2026-03-03 0.17/0.25/-/-
Qwen/Qwen3.6-Plus 1000000 500000 yn?y?y? 2026-04-30 0.5/3/-/-
Qwen/Qwen3.7-Max 1000000 500000 yn?n?y? 2026-05-21 1.25/3.75/-/-
deepcogito/cogito-v2-1-671b 163840 163840 nn?y?y? 2025-11-13 1.25/1.25/-/-
deepseek-ai/DeepSeek-R1 163839 163839 nn?y?y? 2025-01-20 3/7/-/- retired
deepseek-ai/DeepSeek-V3 131072 131072 yn?n?y? 2024-12-26 1.25/1.25/-/- retired
deepseek-ai/DeepSeek-V3-1 131072 131072 yn?y?y? 2025-08-21 0.6/1.7/-/- retired
deepseek-ai/DeepSeek-V4-Pro 512000 384000 yn?yyy? 2026-04-24 1.74/3.48/0.2/-
essentialai/Rnj-1-Instruct 32768 32768 yn?n?y? 2025-12-05 0.15/0.15/-/-
google/gemma-3n-E4B-it 32768 32768 nn?nyy? 2025-05-20 0.06/0.12/-/-
google/gemma-4-31B-it 262144 131072 yy?yyy? 2026-04-07 0.39/0.97/-/-
meta-llama/Llama-3.3-70B-Instruct-Turbo 131072 131072 yn?n?y? 2024-12-06 0.88/0.88/-/-
meta-llama/Meta-Llama-3-8B-Instruct-Lite 8192 8192 nn?n?y? 2024-04-18 0.14/0.14/-/-
moonshotai/Kimi-K2.5 262144 262144 yy?y?y? 2026-01-27 0.5/2.8/-/- retired
moonshotai/Kimi-K2.6 262144 131000 yy?yyy? 2026-04-21 1.2/4.5/0.2/-
moonshotai/Kimi-K2.7-Code 262144 131072 yn?yyy? 2026-06-14 0.95/4/0.19/-
nvidia/nemotron-3-ultra-550b-a55b 512300 512300 yn?yyy? 2026-06-04 0.6/3.6/0.2/-
openai/gpt-oss-120b 131072 131072 yn?y?y? 2025-08-05 0.15/0.6/-/-
openai/gpt-oss-20b 131072 131072 yn?yyy? 2025-08-05 0.05/0.2/-/-
pearl-ai/gemma-4-31b-it 32000 32000 nn?y?y? 2026-04-07 0.28/0.86/-/-
zai-org/GLM-5 202752 131072 yn?yyy? 2026-02-11 1/3.2/-/-
zai-org/GLM-5.1 202752 131072 yn?yyy? 2026-04-07 1.4/4.4/-/-
zai-org/GLM-5.2 262144 164000 yn?yyy? 2026-06-16 1.4/4.4/0.26/-
`
}
