# The program and the Postgres driver, without a compiler and without root.
FROM python:3.13-slim AS build
COPY . /source
RUN pip wheel --no-cache-dir --wheel-dir /wheels "/source[postgres]"

FROM python:3.13-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels "orchestrator[postgres]" && rm -r /wheels \
    && useradd --create-home --uid 1000 orchestrator
USER orchestrator
WORKDIR /work
ENTRYPOINT ["orchestrator"]
CMD ["work"]
