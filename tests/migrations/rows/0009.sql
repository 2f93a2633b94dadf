INSERT INTO campaigns (id, name, created_at, weight, served, closed_at) VALUES (1, 'summer', 1000, 3, 2000000, 3000);
INSERT INTO runs (id, campaign_id, name, run_key, model, manifest_path, manifest_sha256, priority, max_attempts, created_at, applied_at, settings, tick_id, finish_by, operator_priority, gate_closed_at, approved_at, chain_reserved)
  VALUES (1, 1, 'hero', 'main', 'kwaivgi/kling-image-o3/edit', 'jobs/hero.yaml', 'ab', 0, 3, 1000, 1000, '{"checks": []}', 1, 5000, 7, 2000, 1500, true);
INSERT INTO lanes (id, run_id, price_digest, list_micros, planned_micros, price_micros, priority, idle) VALUES (1, 1, 'd1', 28000, 28000, 14000, 0, false);
INSERT INTO jobs (id, run_id, lane_id, key, ordinal, variation, state, queue, images, price_micros, tries_left, created_at, round, verdict, note, stars, redo_of, redo_by, canary)
  VALUES (1, 1, 1, 'k1', 0, 1, 'running', NULL, 1, 28000, 3, 1000, 1, 'rejected', 'too dark', 2, 1, 'check', true);
INSERT INTO jobs (id, run_id, lane_id, key, ordinal, variation, state, finished_at, images, price_micros, tries_left, created_at, reused_from)
  VALUES (2, 1, 1, 'k2', 1, 1, 'reused', 2000, 1, 28000, 3, 1000, 1);
INSERT INTO jobs (id, run_id, lane_id, key, ordinal, variation, state, queue, reason, images, price_micros, tries_left, created_at, needs_job, needs_index, needs_accepted, needs_sha256)
  VALUES (3, 1, 1, 'k3', 2, 1, 'pending', 'waiting', 'needs_picture', 1, 28000, 3, 1000, 1, 0, true, 'ab');
INSERT INTO job_specs (job_id, params, local_images, tags, axes, run_id, product, stage, seen_urls, model_revision)
  VALUES (1, '{"prompt": "a café"}', '[]', '{}', '[["p", "MUG"]]', 1, 'MUG', 'cutout', '{"https://example.com/mug.jpg": "etag:1"}', 2);
INSERT INTO attempts (id, job_id, run_id, campaign_id, number, state, token, worker, epoch, lease_expires_at, rate_granted_at, leased_at, reservation, day, price_micros, prediction_id, billed_micros, charged_at, refunded_micros, refunded_at)
  VALUES (1, 1, 1, 1, 1, 'in_flight', 't1', 'w1', 1, 2000, 1000, 1000, 'held', '2026-11-22', 28000, 'p1', 28000, 1500, 28000, 1600);
INSERT INTO outputs (job_id, idx, path, path_key, state, clean_path, clean_key, wanted_at, moving_to, moving_since, moving_trouble, missing_since) VALUES (1, 0, 'summer/1~2.png', 'digest', 'planned', 'summer/1.png', 'clean', 1000, 'summer/1.png', 1000, 'the disk is full', 2000);
INSERT INTO candidates (attempt_id, prediction_id, status, outputs) VALUES (1, 'p2', 'completed', '[]');
INSERT INTO webhook_receipts (attempt_id, prediction_id, status, received_at) VALUES (1, 'p4', 'completed', 1000);
INSERT INTO foreign_predictions (prediction_id, noted_at, note) VALUES ('p3', 1000, 'not ours');
INSERT INTO ledger (id, at, attempt_id, run_id, campaign_id, day, kind, held_delta, spent_delta, refund_due_delta)
  VALUES (1, 1000, 1, 1, 1, '2026-11-22', 'reserve', 28000, 0, 0);
INSERT INTO balances (scope, scope_id, period, spent_micros, held_micros, refund_due_micros) VALUES ('account', 0, 'total', 0, 28000, 0);
INSERT INTO budgets (scope, scope_id, "window", cap_micros, source, set_at, overruled_micros) VALUES ('account', 0, 'total', 1000000, 'operator', 1000, 500000);
INSERT INTO pauses (scope, name, reason, message, since) VALUES ('account', '', 'key_refused', 'The key was refused.', 1000);
INSERT INTO limits (id, concurrency, submits_per_minute, concurrency_source, submits_per_minute_source, concurrency_overruled, submits_per_minute_overruled) VALUES (1, 3, 60, 'default', 'operator', NULL, 30);
INSERT INTO rate_grants (bucket_at, granted) VALUES (1000, 1);
INSERT INTO workers (id, host, pid, started_at, seen_at, version, lease_ms, draining_at, lost_at, output_root) VALUES ('w1', 'here', 1, 1000, 1000, '1.0', 30000, 1500, 2000, '/srv/outputs');
INSERT INTO uploads (base_url, sha256, url, uploaded_at, expires_at) VALUES ('https://api.example', 'ab', 'https://files.example/ab', 1000, 2000);
INSERT INTO latencies (model, p10_ms, p50_ms, p95_ms, samples, updated_at) VALUES ('kwaivgi/kling-image-o3/edit', 1, 2, 3, 4, 1000);
INSERT INTO events (id, at, kind, job_id, attempt_id, message, campaign_id, run_id) VALUES (1, 1000, 'note', 1, 1, 'Something happened.', 1, 1);
INSERT INTO meta (key, value) VALUES ('k', 'v');
INSERT INTO acts (id, at, who, host, command, subject, old, new, why, job_id, campaign_id, run_id) VALUES (1, 1000, 'ada', 'here', 'budget set', 'day cap of the account', '$1.00', '$2.00', 'a launch', 1, 1, 1);
INSERT INTO quotes (model, digest, source, account, list_micros, price_micros, asked_at) VALUES ('kwaivgi/kling-image-o3/edit', 'd1', 'quote', 'a1', 28000, 14000, 1000);
INSERT INTO verdicts (id, job_id, at, verdict, stars, note, who, host, source) VALUES (1, 1, 1000, 'rejected', 2, 'too dark', 'ada', 'here', 'command');
INSERT INTO check_results (job_id, idx, name, sha256, passed, reason, at) VALUES (1, 0, 'size', 'ab', false, 'It is 100 x 100.', 1000);
INSERT INTO schedules (id, name, manifest_path, cron, timezone, settings, revision, since, next_at, failures, paused_at, paused_why, created_at, removed_at) VALUES (1, 'summer/hero', 'jobs/hero.yaml', '30 2 * * *', 'Europe/Vienna', '{"overlap": "skip"}', 2, 1000, 2000, 1, 1500, 'three ticks failed', 500, 3000);
INSERT INTO ticks (id, schedule_id, key, revision, kind, at, due_at, local, state, reason, message, worker, lease_expires_at, run_id, created_at, taken_at, approved_at, stuck_since, finished_at, code, ping_owed, ping_at, ping_tries) VALUES (1, 1, '2026-11-22T02:30', 2, 'scheduled', 1000, 1010, '2026-11-22T02:30', 'failed', 'manifest', 'It cannot be read.', 'w1', 2000, 1, 1000, 1020, 1015, 1030, 1100, 2, '2', 1200, 1);
INSERT INTO closed_months (month, ledger_from, ledger_to, lines, spent_micros, open_micros, timezone, digest, closed_at, who) VALUES ('2026-11', 0, 1, 1, 0, 28000, 'UTC', 'ab', 3000, 'ada');
INSERT INTO bill_entries (key, at, what, attempt_id, prediction_id, charged_micros, refunded_micros) VALUES ('b1', 1000, 'other_task', NULL, 'p3', 28000, 0);
INSERT INTO balance_days (day, first_at, first_micros, last_at, last_micros) VALUES ('2026-11-22', 1000, 5000000, 2000, 4972000);
INSERT INTO passed_thresholds (scope, scope_id, period, percent, cap_micros, at) VALUES ('account', 0, 'total', 50, 1000000, 1000);
INSERT INTO notices (id, target, subject, kind, document, created_at, next_try_at, tries, worker, lease_expires_at, trouble, delivered_at) VALUES (1, 'ops', 'run 1 finished', 'run_finished', '{"run": 1}', 1000, 2000, 1, 'w1', 2000, 'no answer', NULL);
INSERT INTO stable_names (path_key, path, campaign_id, name, run_id, retired, dirty_at, job_id, idx, sha256, place, switched_at, trouble) VALUES ('clean', 'latest/1.png', 1, 'hero', 1, false, 1000, 1, 0, 'ab', 'latest/1.png', 900, 'the disk is full');
INSERT INTO stable_tries (path_key, job_id, idx, run_id) VALUES ('clean', 1, 0, 1);
