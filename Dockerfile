# A public gallery of kept analyses, as a Hugging Face Space (sdk: docker) or anywhere else:
#
#   docker build -t alas . && docker run -p 8501:8501 alas
#
# It opens on the demo model's training. Mount a folder of .alas files at /bundles for your own
# (on a Space: a storage bucket or files in the repository, and ALAS_BUNDLES).
# With ALAS_READONLY=0 it computes, too; then put a login in front of it.
FROM python:3.11-slim

RUN useradd --create-home --uid 1000 user \
    && apt-get update && apt-get install --yes --no-install-recommends libsndfile1 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt .
# PyTorch without CUDA, which a gallery does not need.
ARG PIP_FLAGS="--extra-index-url https://download.pytorch.org/whl/cpu"
RUN pip install --no-cache-dir ${PIP_FLAGS} -r requirements.txt
COPY --chown=user . .

USER user
ENV ALAS_READONLY=1 ALAS_BUNDLES=/bundles ALAS_STORE=/tmp/alas HF_HUB_OFFLINE=1
EXPOSE 8501
# The proxy in front decides which hosts there are. server.baseUrlPath=NAME serves it below /NAME.
CMD ["python", "-m", "streamlit", "run", "app.py", "--server.address=0.0.0.0", \
     "--server.port=8501", "--server.allowedHosts=*"]
