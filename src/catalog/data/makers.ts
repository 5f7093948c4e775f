// Written by scripts/catalog.ts from the models.dev listing of 2026-07-02 (MIT). Do not edit: corrections go to
// checked.ts. Columns: see ../facts.ts.
export const MAKERS: Readonly<Record<string, string>> = {
  dashscope: `
qvq-max 131072 8192 yy?y?y? 2025-03-25 1.2/4.8/-/-
qwen-flash 1000000 32768 yn?y?y? 2025-07-28 0.05/0.4/-/-
qwen-max 32768 8192 yn?n?y? 2024-04-03 1.6/6.4/-/-
qwen-mt-plus 16384 8192 nn?n?y? 2025-01 2.46/7.37/-/-
qwen-mt-turbo 16384 8192 nn?n?y? 2025-01 0.16/0.49/-/-
qwen-omni-turbo 32768 2048 yy?n?y? 2025-01-19 0.07/0.27/-/-
qwen-omni-turbo-realtime 32768 2048 yy?n?y? 2025-05-08 0.27/1.07/-/-
qwen-plus 1000000 32768 yn?y?y? 2024-01-25 0.4/1.2/-/-
qwen-plus-character-ja 8192 512 yn?n?y? 2024-01 0.5/1.4/-/-
qwen-turbo 1000000 16384 yn?y?y? 2024-11-01 0.05/0.2/-/-
qwen-vl-max 131072 8192 yy?n?y? 2024-04-08 0.8/3.2/-/-
qwen-vl-ocr 34096 4096 ny?n?y? 2024-10-28 0.72/0.72/-/-
qwen-vl-plus 131072 8192 yy?n?y? 2024-01-25 0.21/0.63/-/-
qwen2-5-14b-instruct 131072 8192 yn?n?y? 2024-09 0.35/1.4/-/-
qwen2-5-32b-instruct 131072 8192 yn?n?y? 2024-09 0.7/2.8/-/-
qwen2-5-72b-instruct 131072 8192 yn?n?y? 2024-09 1.4/5.6/-/-
qwen2-5-7b-instruct 131072 8192 yn?n?y? 2024-09 0.175/0.7/-/-
qwen2-5-omni-7b 32768 2048 yy?n?y? 2024-12 0.1/0.4/-/-
qwen2-5-vl-72b-instruct 131072 8192 yy?n?y? 2024-09 2.8/8.4/-/-
qwen2-5-vl-7b-instruct 131072 8192 yy?n?y? 2024-09 0.35/1.05/-/-
qwen3-14b 131072 8192 yn?y?y? 2025-04 0.35/1.4/-/-
qwen3-235b-a22b 131072 16384 yn?y?y? 2025-04 0.7/2.8/-/-
qwen3-32b 131072 16384 yn?y?y? 2025-04 0.7/2.8/-/-
qwen3-8b 131072 8192 yn?y?y? 2025-04 0.18/0.7/-/-
qwen3-asr-flash 53248 4096 nn?n?n? 2025-09-08 0.035/0.035/-/-
qwen3-coder-30b-a3b-instruct 262144 65536 yn?n?y? 2025-04 0.45/2.25/-/-
qwen3-coder-480b-a35b-instruct 262144 65536 yn?n?y? 2025-04 1.5/7.5/-/-
qwen3-coder-flash 1000000 65536 yn?n?y? 2025-07-28 0.3/1.5/-/-
qwen3-coder-plus 1048576 65536 yn?n?y? 2025-07-23 1/5/-/-
qwen3-livetranslate-flash-realtime 53248 4096 ny?n?y? 2025-09-22 10/10/-/-
qwen3-max 262144 65536 yn?n?y? 2025-09-23 1.2/6/-/-
qwen3-next-80b-a3b-instruct 131072 32768 yn?n?y? 2025-09 0.5/2/-/-
qwen3-next-80b-a3b-thinking 131072 32768 yn?y?y? 2025-09 0.5/6/-/-
qwen3-omni-flash 65536 16384 yy?y?y? 2025-09-15 0.43/1.66/-/-
qwen3-omni-flash-realtime 65536 16384 yy?n?y? 2025-09-15 0.52/1.99/-/-
qwen3-vl-235b-a22b 131072 32768 yy?y?y? 2025-04 0.7/2.8/-/-
qwen3-vl-30b-a3b 131072 32768 yy?y?y? 2025-04 0.2/0.8/-/-
qwen3-vl-plus 262144 32768 yy?y?y? 2025-09-23 0.2/1.6/-/-
qwen3.5-122b-a10b 262144 65536 yy?yyy? 2026-02-23 0.4/3.2/-/-
qwen3.5-27b 262144 65536 yy?yyy? 2026-02-23 0.3/2.4/-/-
qwen3.5-35b-a3b 262144 65536 yy?yyy? 2026-02-23 0.25/2/-/-
qwen3.5-397b-a17b 262144 65536 yy?yyy? 2026-02-15 0.6/3.6/-/-
qwen3.5-plus 1000000 65536 yy?y?y? 2026-02-16 0.4/2.4/-/-
qwen3.6-27b 262144 65536 yy?yyy? 2026-04-22 0.6/3.6/-/-
qwen3.6-35b-a3b 262144 65536 yy?yyy? 2026-04-17 0.248/1.485/-/-
qwen3.6-flash 1000000 65536 yy?yyy? 2026-04-27 0.1875/1.125/-/0.234375
qwen3.6-max-preview 262144 65536 yn?y?y? 2026-04-20 1.3/7.8/0.13/1.625
qwen3.6-plus 1000000 65536 yy?y?y? 2026-04-02 0.5/3/0.05/0.625
qwen3.7-max 1000000 65536 yn?y?y? 2026-05-21 2.5/7.5/0.5/3.125
qwen3.7-plus 1000000 65536 yy?y?y? 2026-06-02 0.5/3/0.05/0.625
qwq-plus 131072 8192 yn?y?y? 2025-03-05 0.8/2.4/-/-
`,
  anthropic: `
claude-3-5-sonnet-20240620 200000 8192 yyyn?y? 2024-06-20 3/15/0.3/3.75 retired
claude-3-5-sonnet-20241022 200000 8192 yyyn?y? 2024-10-22 3/15/0.3/3.75 retired
claude-3-7-sonnet-20250219 200000 64000 yyyy?y? 2025-02-19 3/15/0.3/3.75 retired
claude-3-haiku-20240307 200000 4096 yyyn?y? 2024-03-13 0.25/1.25/0.03/0.3 retired
claude-3-opus-20240229 200000 4096 yyyn?y? 2024-02-29 15/75/1.5/18.75 retired
claude-3-sonnet-20240229 200000 4096 yyyn?y? 2024-03-04 3/15/0.3/0.3 retired
claude-fable-5 1000000 128000 yyyy?n? 2026-06-09 10/50/1/12.5
claude-haiku-4-5 200000 64000 yyyy?y? 2025-10-15 1/5/0.1/1.25
claude-haiku-4-5-20251001 200000 64000 yyyy?y? 2025-10-15 1/5/0.1/1.25
claude-opus-4-0 200000 32000 yyyy?y? 2025-05-22 15/75/1.5/18.75
claude-opus-4-1 200000 32000 yyyy?y? 2025-08-05 15/75/1.5/18.75
claude-opus-4-1-20250805 200000 32000 yyyy?y? 2025-08-05 15/75/1.5/18.75
claude-opus-4-20250514 200000 32000 yyyy?y? 2025-05-22 15/75/1.5/18.75
claude-opus-4-5 200000 64000 yyyy?y? 2025-11-24 5/25/0.5/6.25
claude-opus-4-5-20251101 200000 64000 yyyy?y? 2025-11-01 5/25/0.5/6.25
claude-opus-4-6 1000000 128000 yyyy?y? 2026-02-05 5/25/0.5/6.25
claude-opus-4-7 1000000 128000 yyyy?n? 2026-04-16 5/25/0.5/6.25
claude-opus-4-8 1000000 128000 yyyy?n? 2026-05-28 5/25/0.5/6.25
claude-sonnet-4-0 200000 64000 yyyy?y? 2025-05-22 3/15/0.3/3.75
claude-sonnet-4-20250514 200000 64000 yyyy?y? 2025-05-22 3/15/0.3/3.75
claude-sonnet-4-5 200000 64000 yyyy?y? 2025-09-29 3/15/0.3/3.75
claude-sonnet-4-5-20250929 200000 64000 yyyy?y? 2025-09-29 3/15/0.3/3.75
claude-sonnet-4-6 1000000 64000 yyyy?y? 2026-02-17 3/15/0.3/3.75
claude-sonnet-5 1000000 128000 yyyy?n? 2026-06-30 2/10/0.2/2.5
`,
  deepseek: `
deepseek-chat 1000000 384000 yn?n?y? 2025-12-01 0.14/0.28/0.0028/-
deepseek-reasoner 1000000 384000 yn?y?y? 2025-12-01 0.14/0.28/0.0028/-
deepseek-v4-flash 1000000 384000 yn?yyy? 2026-04-24 0.14/0.28/0.0028/-
deepseek-v4-pro 1000000 384000 yn?yyy? 2026-04-24 0.435/0.87/0.003625/-
`,
  google: `
gemini-2.0-flash 1048576 8192 yyynyy? 2024-12-11 0.1/0.4/0.025/- retired
gemini-2.0-flash-lite 1048576 8192 yyynyy? 2024-12-11 0.075/0.3/-/- retired
gemini-2.5-flash-image 32768 32768 ny?y?y? 2025-08-26 0.3/30/0.075/-
gemini-2.5-flash-lite 1048576 65536 yyyyyy? 2025-06-17 0.1/0.4/0.01/-
gemini-3-flash-preview 1048576 65536 yyyyyy? 2025-12-17 0.5/3/0.05/-
gemini-3-pro-image-preview 131072 - ??????? - 2/120/-/-
gemini-3-pro-preview 1048576 65536 yyyyyy? 2025-11-18 2/12/0.2/- retired
gemini-3.1-flash-image-preview 65536 65536 nyyy?y? 2026-02-26 0.5/60/-/-
gemini-3.1-flash-lite 1048576 65536 yyyyyy? 2026-05-07 0.25/1.5/0.025/-
gemini-3.1-flash-lite-preview 1048576 65536 yyyyyy? 2026-03-03 0.25/1.5/0.025/- retired
gemini-3.1-pro-preview 1048576 65536 yyyyyy? 2026-02-19 2/12/0.2/-
gemini-3.1-pro-preview-customtools 1048576 65536 yyyyyy? 2026-02-19 2/12/0.2/-
gemini-3.5-flash 1048576 65536 yyyyyy? 2026-05-19 1.5/9/0.15/-
gemini-embedding-001 2048 1 nn?n?n? 2025-05-20 -
gemini-flash-latest 1048576 65536 yyyyyy? 2025-09-25 0.3/2.5/0.075/-
gemini-flash-lite-latest 1048576 65536 yyyyyy? 2025-09-25 0.1/0.4/0.025/-
gemma-4-26b-a4b-it 262144 32768 yy?yyy? 2026-04-02 -
gemma-4-31b-it 262144 32768 yy?yyy? 2026-04-02 -
`,
  minimax: `
MiniMax-M2 196608 128000 yn?y?y? 2025-10-27 0.3/1.2/-/-
MiniMax-M2.1 204800 131072 yn?y?y? 2025-12-23 0.3/1.2/-/-
MiniMax-M2.5 204800 131072 yn?y?y? 2026-02-12 0.3/1.2/0.03/0.375
MiniMax-M2.5-highspeed 204800 131072 yn?y?y? 2026-02-13 0.6/2.4/0.06/0.375
MiniMax-M2.7 204800 131072 yn?y?y? 2026-03-18 0.3/1.2/0.06/0.375
MiniMax-M2.7-highspeed 204800 131072 yn?y?y? 2026-03-18 0.6/2.4/0.06/0.375
MiniMax-M3 1000000 128000 yy?y?y? 2026-06-01 0.3/1.2/0.06/-
`,
  mistral: `
codestral-latest 256000 4096 yn?n?y? 2024-05-29 0.3/0.9/-/-
devstral-2512 262144 262144 yn?n?y? 2025-12-09 0.4/2/-/- retired
devstral-latest 262144 262144 yn?n?y? 2025-12-09 0.4/2/-/- retired
devstral-medium-2507 128000 128000 yn?n?y? 2025-07-10 0.4/2/-/- retired
devstral-medium-latest 262144 262144 yn?n?y? 2025-12-02 0.4/2/-/- retired
devstral-small-2505 128000 128000 yn?n?y? 2025-05-07 0.1/0.3/-/- retired
devstral-small-2507 128000 128000 yn?n?y? 2025-07-10 0.1/0.3/-/- retired
labs-devstral-small-2512 256000 256000 yy?n?y? 2025-12-09 - retired
magistral-medium-latest 128000 16384 yn?y?y? 2025-03-17 2/5/-/-
magistral-small 128000 128000 yn?y?y? 2025-03-17 0.5/1.5/-/-
ministral-3b-latest 128000 128000 yn?n?y? 2024-10-01 0.04/0.04/-/-
ministral-8b-latest 128000 128000 yn?n?y? 2024-10-01 0.1/0.1/-/-
mistral-embed 8000 3072 nn?n?n? 2023-12-11 -
mistral-large-2411 131072 16384 ?n????? - 2/6/-/-
mistral-large-2512 262144 262144 yy?n?y? 2024-11-01 0.5/1.5/-/-
mistral-large-latest 262144 262144 yy?n?y? 2024-11-01 0.5/1.5/-/-
mistral-medium-2505 131072 131072 yy?n?y? 2025-05-07 0.4/2/-/-
mistral-medium-2508 262144 262144 yy?n?y? 2025-08-12 0.4/2/-/-
mistral-medium-2604 262144 262144 yy?yyy? 2026-04-29 1.5/7.5/-/-
mistral-nemo 128000 128000 yn?n?y? 2024-07-01 0.15/0.15/-/-
mistral-small-2506 128000 16384 yy?n?y? 2025-06-20 0.1/0.3/-/-
mistral-small-2603 256000 256000 yy?y?y? 2026-03-16 0.15/0.6/-/-
mistral-small-latest 256000 256000 yy?y?y? 2026-03-16 0.15/0.6/-/-
open-mistral-7b 8000 8000 yn?n?y? 2023-09-27 0.25/0.25/-/-
open-mistral-nemo 128000 128000 yn?n?y? 2024-07-01 0.15/0.15/-/- retired
open-mixtral-8x22b 64000 64000 yn?n?y? 2024-04-17 2/6/-/-
open-mixtral-8x7b 32000 32000 yn?n?y? 2023-12-11 0.7/0.7/-/-
pixtral-12b 128000 128000 yy?n?y? 2024-09-01 0.15/0.15/-/-
pixtral-large-latest 128000 128000 yy?n?y? 2024-11-01 2/6/-/-
`,
  moonshot: `
kimi-k2-0711-preview 131072 16384 yn?n?y? 2025-07-14 0.6/2.5/0.15/-
kimi-k2-0905-preview 262144 262144 yn?n?y? 2025-09-05 0.6/2.5/0.15/-
kimi-k2-thinking 262144 262144 yn?y?y? 2025-11-06 0.6/2.5/0.15/-
kimi-k2-thinking-turbo 262144 262144 yn?y?y? 2025-11-06 1.15/8/0.15/-
kimi-k2-turbo-preview 262144 262144 yn?n?y? 2025-09-05 2.4/10/0.6/-
kimi-k2.5 262144 262144 yy?yyn? 2026-01 0.6/3/0.1/-
kimi-k2.6 262144 262144 yy?yyy? 2026-04-21 0.95/4/0.16/-
`,
  openai: `
chatgpt-image-latest - - ny?n?n? 2025-12-16 -
gpt-3.5-turbo 16385 4096 nn?nny? 2023-03-01 0.5/1.5/-/-
gpt-4 8192 8192 yn?nny? 2023-11-06 30/60/-/-
gpt-4-turbo 128000 4096 yy?nny? 2023-11-06 10/30/-/-
gpt-4.1 1047576 32768 yyynyy? 2025-04-14 2/8/0.5/-
gpt-4.1-mini 1047576 32768 yyynyy? 2025-04-14 0.4/1.6/0.1/-
gpt-4.1-nano 1047576 32768 yy?nyy? 2025-04-14 0.1/0.4/0.025/-
gpt-4o 128000 16384 yyynyy? 2024-05-13 2.5/10/1.25/-
gpt-4o-2024-05-13 128000 4096 yy?nyy? 2024-05-13 5/15/-/-
gpt-4o-2024-08-06 128000 16384 yy?nyy? 2024-08-06 2.5/10/1.25/-
gpt-4o-2024-11-20 128000 16384 yy?nyy? 2024-11-20 2.5/10/1.25/-
gpt-4o-mini 128000 16384 yyynyy? 2024-07-18 0.15/0.6/0.075/-
gpt-5-chat-latest 400000 128000 ny?yyy? 2025-08-07 1.25/10/0.125/-
gpt-5-codex 400000 128000 yy?yyn? 2025-09-15 1.25/10/0.125/-
gpt-5-mini 400000 128000 yy?yyn? 2025-08-07 0.25/2/0.025/-
gpt-5-nano 400000 128000 yy?yyn? 2025-08-07 0.05/0.4/0.005/-
gpt-5-pro 400000 272000 yy?yyn? 2025-10-06 15/120/-/-
gpt-5.1 400000 128000 yy?yyn? 2025-11-13 1.25/10/0.125/-
gpt-5.1-chat-latest 128000 16384 yy?yyn? 2025-11-13 1.25/10/0.125/-
gpt-5.1-codex 400000 128000 yy?yyn? 2025-11-13 1.25/10/0.125/-
gpt-5.1-codex-max 400000 128000 yy?yyn? 2025-11-13 1.25/10/0.125/-
gpt-5.1-codex-mini 400000 128000 yy?yyn? 2025-11-13 0.25/2/0.025/-
gpt-5.2 400000 128000 yy?yyn? 2025-12-11 1.75/14/0.175/-
gpt-5.2-chat-latest 128000 16384 yy?yyn? 2025-12-11 1.75/14/0.175/-
gpt-5.2-codex 400000 128000 yyyyyn? 2025-12-11 1.75/14/0.175/-
gpt-5.2-pro 400000 128000 yy?ynn? 2025-12-11 21/168/-/-
gpt-5.3-chat-latest 128000 16384 yy?nyy? 2026-03-03 1.75/14/0.175/-
gpt-5.3-codex 400000 128000 yyyyyn? 2026-02-05 1.75/14/0.175/-
gpt-5.3-codex-spark 128000 32000 yyyyyn? 2026-02-05 1.75/14/0.175/-
gpt-5.4 1050000 128000 yyyyyn? 2026-03-05 2.5/15/0.25/-
gpt-5.4-mini 400000 128000 yy?yyn? 2026-03-17 0.75/4.5/0.075/-
gpt-5.4-nano 400000 128000 yy?yyn? 2026-03-17 0.2/1.25/0.02/-
gpt-5.4-pro 1050000 128000 yy?ynn? 2026-03-05 30/180/-/-
gpt-5.5 1050000 128000 yyyyyn? 2026-04-23 5/30/0.5/-
gpt-5.5-pro 1050000 128000 yyyyyn? 2026-04-23 30/180/-/-
gpt-image-1-mini - - ny?n?n? 2025-09-26 -
o1 200000 100000 yyyyyn? 2024-12-05 15/60/7.5/-
o1-pro 200000 100000 yy?yyn? 2025-03-19 150/600/-/-
o3 200000 100000 yyyyyn? 2025-04-16 2/8/0.5/-
o3-deep-research 200000 100000 yy?y?n? 2024-06-26 10/40/2.5/-
o3-mini 200000 100000 yn?yyn? 2024-12-20 1.1/4.4/0.55/-
o3-pro 200000 100000 yy?yyn? 2025-06-10 20/80/-/-
o4-mini 200000 100000 yy?yyn? 2025-04-16 1.1/4.4/0.275/-
o4-mini-deep-research 200000 100000 yy?y?n? 2024-06-26 2/8/0.5/-
text-embedding-3-large 8191 3072 nn?n?n? 2024-01-25 -
text-embedding-3-small 8191 1536 nn?n?n? 2024-01-25 -
text-embedding-ada-002 8192 1536 nn?n?n? 2022-12-15 -
`,
  perplexity: `
sonar 128000 4096 nn?n?y? 2024-01-01 1/1/-/-
sonar-deep-research 128000 32768 nn?y?n? 2025-02-01 2/8/-/-
sonar-pro 200000 8192 ny?n?y? 2024-01-01 3/15/-/-
sonar-reasoning-pro 128000 4096 ny?y?y? 2024-01-01 2/8/-/-
`,
  xai: `
grok-4.20-0309-non-reasoning 1000000 30000 yyynyy? 2026-03-09 1.25/2.5/0.2/-
grok-4.20-0309-reasoning 1000000 30000 yyyyyy? 2026-03-09 1.25/2.5/0.2/-
grok-4.20-multi-agent-0309 1000000 30000 nyyyyy? 2026-03-09 1.25/2.5/0.2/-
grok-4.3 1000000 30000 yyyyyy? 2026-04-17 1.25/2.5/0.2/-
grok-build-0.1 256000 256000 yyyyyy? 2026-04-16 1/2/0.2/-
`,
  zai: `
glm-4.5 131072 98304 yn?y?y? 2025-07-28 0.6/2.2/0.11/-
glm-4.5-air 131072 98304 yn?y?y? 2025-07-28 0.2/1.1/0.03/-
glm-4.5-flash 131072 98304 yn?y?y? 2025-07-28 -
glm-4.5v 64000 16384 yy?y?y? 2025-08-11 0.6/1.8/-/-
glm-4.6 204800 131072 yn?y?y? 2025-09-30 0.6/2.2/0.11/-
glm-4.6v 128000 32768 yy?y?y? 2025-12-08 0.3/0.9/-/-
glm-4.7 204800 131072 yn?y?y? 2025-12-22 0.6/2.2/0.11/-
glm-4.7-flash 200000 131072 yn?y?y? 2026-01-19 -
glm-4.7-flashx 200000 131072 yn?y?y? 2026-01-19 0.07/0.4/0.01/-
glm-5-turbo 200000 131072 yn?yyy? 2026-03-16 1.2/4/0.24/-
glm-5v-turbo 200000 131072 yyyy?y? 2026-04-01 1.2/4/0.24/-
`
}
